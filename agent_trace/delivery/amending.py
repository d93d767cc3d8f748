"""An observation and its amendments made one record; whoever reads the journal does it here, the same way."""

from collections.abc import Iterable
from typing import Any, Final

from agent_trace.observation import LEVELS, RECORD_KEYS

Record = dict[str, Any]

_FIXED: Final = frozenset({"v", "kind", "trace_id", "id", "parent_id", "start_ns", "end_ns", "process"})
_LATEST: Final = tuple(
    key
    for key in RECORD_KEYS
    if key not in _FIXED
    and key not in {"tags", "metadata", "level", "signal", "error", "redactions", "truncated"}
)
LEVEL_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}


def amend(record: Record, amendments: Iterable[Record]) -> Record:
    """The record with its amendments, in the order given: a later value wins, lists grow, levels only rise."""
    merged = dict(record)
    for addition in amendments:
        for key in _LATEST:
            if addition.get(key) is not None:
                merged[key] = addition[key]
        for key in ("signal", "error"):
            if isinstance(addition.get(key), dict):
                merged[key] = _succeed(merged.get(key), addition[key])
        if isinstance(addition.get("metadata"), dict):
            merged["metadata"] = {**(merged.get("metadata") or {}), **addition["metadata"]}
        for key in ("tags", "redactions", "truncated"):
            if isinstance(addition.get(key), list):
                known = list(merged.get(key) or ())
                merged[key] = known + [each for each in addition[key] if each not in known]
        merged["level"] = max(merged.get("level"), addition.get("level"), key=level_rank) or "DEFAULT"
    return merged


def level_rank(level: object) -> int:
    """Place of a level among LEVELS; anything unknown counts as the lowest."""
    return LEVEL_RANK.get(level, 0) if isinstance(level, str) else 0


def _succeed(older: object, newer: Record) -> Record:
    """`newer` in place of `older`, which goes to the end of its `earlier` list."""
    if not isinstance(older, dict):
        return newer
    before = list(older.get("earlier") or ())
    former = {key: value for key, value in older.items() if key != "earlier"}
    return {**newer, "earlier": [*before, former, *(newer.get("earlier") or ())]}


def in_order(amendments: Iterable[Record]) -> list[Record]:
    """Amendments in the order they were made; those of the same moment as they are given."""
    return sorted(amendments, key=_moment)


def _moment(amendment: Record) -> int:
    at_ns = amendment.get("at_ns")
    return at_ns if type(at_ns) is int else 0
