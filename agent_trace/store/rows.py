"""A record turned into the row that the index keeps of it: columns, tags, signals, short previews."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

import orjson

from agent_trace.costs import pico, price_pico, recorded_cost
from agent_trace.store.durations import step_of
from agent_trace.store.previews import preview
from agent_trace.store.profiles import Profiles
from agent_trace.store.records import Address, Record, text

PICO: Final = Decimal(10**12)
"""Costs are summed as whole 10**-12 dollars: exact for every rate with up to six decimals a million tokens."""
USAGE_COLUMNS: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
_USUAL_USAGE: Final = frozenset(USAGE_COLUMNS)
_MAX_INTEGER: Final = (1 << 63) - 1


UsageColumns = tuple[int | None, int | None, int | None, int | None, int | None, int | None, str | None]
"""`tokens`, the usual classes, and the rarer ones as JSON."""


class ObservationRow(NamedTuple):
    """Columns of `observations`, in the order of the table."""

    record: int
    length: int
    trace: int
    id: bytes
    is_root: int
    opened: int
    amended: int
    type: str | None
    name: str | None
    start_ns: int
    end_ns: int | None
    level: int
    model: str | None
    agent_id: str | None
    agent_name: str | None
    tenant_id: str | None
    user_id: str | None
    session_id: str | None
    tokens: int | None
    usage_input: int | None
    usage_output: int | None
    usage_cache_read: int | None
    usage_cache_write: int | None
    usage_reasoning: int | None
    usage_other: str | None
    cost_pico: int | None
    unpriced: int
    input_preview: str | None
    output_preview: str | None
    stated: int
    parent_id: bytes | None
    profile: int
    took: int | None


class SignalColumns(NamedTuple):
    """Columns of `signals`, in the order of the table."""

    record: int
    nth: int
    trace: int
    at_ns: int
    action: str
    confidence: str | None
    percent: int | None
    symbol: str | None
    profile: int
    start_ns: int


def observation_row(
    record: Record, address: Address, trace: int, id: bytes, amended: bool, profiles: Profiles
) -> ObservationRow:
    """The row of a record whose amendments are merged in already."""
    get = record.get
    usage = token_counts(get("usage"))
    cost_pico = counted_pico(record, usage)
    is_root = not get("parent_id")
    start_ns, end_ns = record["start_ns"], get("end_ns")
    if not (type(end_ns) is int and 0 <= end_ns <= _MAX_INTEGER):
        end_ns = None
    profile, (type_, level, name, model, agent_id, agent_name, tenant_id) = profiles.of(record)
    return ObservationRow(
        address.record,
        address.length,
        trace,
        id,
        1 if is_root else 0,
        1 if record["kind"] == "opened" else 0,
        1 if amended else 0,
        type_,
        name,
        start_ns,
        end_ns,
        level,
        model,
        agent_id,
        agent_name,
        tenant_id,
        text(get("user_id")),
        text(get("session_id")),
        *_usage_columns(usage),
        cost_pico,
        1 if usage and cost_pico is None else 0,
        preview(get("input")) if is_root else None,
        preview(get("output")) if is_root else None,
        1 if "cost" in record and recorded_cost(record["cost"]) is not None else 0,
        _id(get("parent_id")),
        profile,
        None if end_ns is None else step_of(end_ns - start_ns),
    )


def _id(id: object) -> bytes | None:
    """An id as the index stores it; None for what is no id."""
    if not isinstance(id, str):
        return None
    try:
        return bytes.fromhex(id)
    except ValueError:
        return None


def _usage_columns(usage: Mapping[str, int]) -> UsageColumns:
    if not usage:
        return (None, None, None, None, None, None, None)
    get = usage.get
    usual = (get("input"), get("output"), get("cache_read"), get("cache_write"), get("reasoning"))
    if usage.keys() <= _USUAL_USAGE:
        return (sum(usage.values()), *usual, None)
    other = {each: count for each, count in usage.items() if each not in _USUAL_USAGE}
    return (sum(usage.values()), *usual, orjson.dumps(other).decode())


def token_counts(usage: object) -> dict[str, int]:
    """The whole, non-negative counts of a `usage`; what is anything else was not a count."""
    if not isinstance(usage, dict):
        return {}
    return {each: count for each, count in usage.items() if type(count) is int and 0 <= count < 1 << 48}


def counted_pico(record: Record, usage: Mapping[str, int]) -> int | None:
    """What sums count for this record, in 10**-12 dollars: the provider's own figure, or `usage` at its rates.

    An ancestor that keeps its usage aside (`reported_usage`) counts nothing: a descendant has it already.
    """
    if not usage and record.get("reported_usage"):
        return None
    given = recorded_cost(record["cost"]) if "cost" in record else None
    if given is not None:
        return pico(given.total) if given.currency == "USD" else None
    model = text(record.get("model"))
    return price_pico(model, usage, record["start_ns"]) if usage and model else None


def dollars(amount_pico: int | None) -> Decimal | None:
    """The inverse of `pico`."""
    return None if amount_pico is None else (Decimal(amount_pico) / PICO).normalize() + 0


def summed_dollars(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None when nothing is."""
    known = [each for each in amounts if each is not None]
    return sum(known, Decimal(0)).normalize() + 0 if known else None


def tags_of(record: Record) -> list[str]:
    """The tags of a record, each once."""
    tags = record.get("tags")
    return list(dict.fromkeys(each for each in tags if isinstance(each, str))) if tags else []


def signal_rows(record: Record, amendments: list[Record], row: ObservationRow) -> Iterator[SignalColumns]:
    """Every signal given in the observation's own record (not merged), then those of its amendments."""
    at_ns = record.get("end_ns") or record["start_ns"]
    given = [(at_ns, each) for each in _chronological(record.get("signal"))]
    for addition in amendments:
        given += [(addition.get("at_ns", at_ns), each) for each in _chronological(addition.get("signal"))]
    for nth, (when_ns, signal) in enumerate(given):
        yield SignalColumns(
            row.record,
            nth,
            row.trace,
            when_ns,
            text(signal.get("action")) or "",
            _as_json(signal.get("confidence")),
            percent(signal),
            text(signal.get("symbol")),
            row.profile,
            row.start_ns,
        )


def _chronological(signal: object) -> list[Record]:
    if not isinstance(signal, dict):
        return []
    earlier = signal.get("earlier")
    return (
        [*(each for each in earlier if isinstance(each, dict)), signal]
        if isinstance(earlier, list)
        else [signal]
    )


def _as_json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def percent(signal: Record) -> int | None:
    """A confidence as 0 to 100, as recording read it; None for nonsense, for words and where none was given."""
    stated = signal.get("confidence_percent")
    return stated if type(stated) is int else None
