"""The three forms of an export: JSON lines with whole records, and flat columns as CSV or Parquet."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from agent_trace.cli.console import to_json
from agent_trace.errors import AgentTraceError
from agent_trace.observation import Observation

_BATCH: Final = 5_000
_TEXT: Final = ("trace_id", "id", "parent_id", "kind", "type", "name", "level", "status_message", "model")
_SCOPE: Final = (
    "agent_id",
    "agent_type",
    "agent_name",
    "tenant_id",
    "user_id",
    "session_id",
    "environment",
    "release",
)
_USAGE: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
_NESTED: Final = (
    "input",
    "output",
    "model_parameters",
    "usage",
    "cost",
    "tags",
    "metadata",
    "signal",
    "error",
)

COLUMNS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_TEXT, "string"),
    "start": "time",
    "end": "time",
    "duration_s": "float",
    **{f"tokens_{name}": "integer" for name in _USAGE},
    "cost_total": "float",
    "cost_currency": "string",
    "finish_reason": "string",
    **dict.fromkeys(_SCOPE, "string"),
    "signal_action": "string",
    "signal_confidence": "string",
    "signal_symbol": "string",
    "error_type": "string",
    "error_message": "string",
    **{f"{name}_json": "string" for name in _NESTED},
}
"""Columns of CSV and Parquet, and what they hold. Names ending in `_json` hold that field of the record as JSON."""


def write_jsonl(items: Iterable[Any], stream: IO[bytes]) -> None:
    """Observations, or raw records, one a line."""
    for item in items:
        stream.write(to_json(item))


def write_csv(items: Iterable[Observation], stream: IO[bytes]) -> None:
    """A header and one row an observation; UTF-8, times in UTC."""
    text = io.TextIOWrapper(
        stream, encoding="utf-8", errors="backslashreplace", newline="", write_through=True
    )
    try:
        rows = csv.DictWriter(text, COLUMNS)
        rows.writeheader()
        for item in items:
            rows.writerow({name: _as_csv(value) for name, value in flat(item).items()})
    finally:
        text.detach()


def write_parquet(items: Iterable[Observation], stream: IO[bytes]) -> None:
    """The same columns with their types, in row groups that fit into memory."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise AgentTraceError("Parquet needs pyarrow: pip install pyarrow") from None
    types = {
        "string": arrow.string(),
        "integer": arrow.int64(),
        "float": arrow.float64(),
        "time": arrow.timestamp("us", tz="UTC"),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for rows in _batches(flat(item) for item in items):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


WRITERS: Final[Mapping[str, Callable[[Iterable[Any], IO[bytes]], None]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


def flat(found: Observation) -> dict[str, Any]:
    """One observation as a row of COLUMNS; None where nothing is known."""
    signal, error, usage = found.signal or {}, found.error or {}, found.usage or {}
    total = found.total_cost
    return {
        **{name: getattr(found, name) for name in (*_TEXT, *_SCOPE, "finish_reason")},
        "start": _time(found.start_ns),
        "end": None if found.end_ns is None else _time(found.end_ns),
        "duration_s": None if found.duration_ns is None else found.duration_ns / 1e9,
        **{f"tokens_{name}": usage.get(name) for name in _USAGE},
        "cost_total": None if total is None else float(total),
        "cost_currency": (found.cost or {}).get("currency"),
        "signal_action": _text(signal.get("action")),
        "signal_confidence": _text(signal.get("confidence")),
        "signal_symbol": _text(signal.get("symbol")),
        "error_type": _text(error.get("type")),
        "error_message": _text(error.get("message")),
        **{f"{name}_json": _json(getattr(found, name)) for name in _NESTED},
    }


def _time(nanoseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).replace(
            microsecond=nanoseconds % 1_000_000_000 // 1000
        )
    except (OverflowError, ValueError, OSError):  # recorded under a clock that was far off
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _json(value: object) -> str | None:
    return None if value in (None, {}, []) else to_json(value).decode().rstrip("\n")


def _as_csv(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, _BATCH)):
        yield batch
