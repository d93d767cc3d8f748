"""What observations of one target, in one scope and one process, have in common: encoded once for all of them."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from agent_trace.delivery.backend import Record
from agent_trace.delivery.lines import ending
from agent_trace.delivery.reader import parse_line
from agent_trace.delivery.wire.values import mapping
from agent_trace.observation import RECORD_KEYS

SHARED: Final = (
    "type",
    "name",
    "agent_id",
    "agent_type",
    "agent_name",
    "tenant_id",
    "user_id",
    "session_id",
    "environment",
    "release",
    "entry_point",
    "process",
)
"""The fields that these have in common. Nothing that is made of them may depend on another field."""

_OWN: Final = frozenset(RECORD_KEYS).difference(SHARED)
_MOST: Final = 2_000


class Shared(NamedTuple):
    """Encoded fields of a span, and how many `attributes` are among them.

    `tags` are those that the shared fields give, `tags_alone` their attribute where an observation has no tags itself.
    """

    resource: bytes
    fields: bytes
    attributes: int
    type: str
    tags: tuple[str, ...] = ()
    tags_alone: bytes = b""


class SharedParts:
    """Keeps what `make` makes of the shared fields of a record; it is told whether it is the topmost of its trace."""

    def __init__(self, make: Callable[[Record, bool], Shared]) -> None:
        self._make = make
        self._by_fields: dict[tuple[Any, ...], Shared] = {}
        self._by_ending: dict[tuple[bytes, bool], tuple[Shared, frozenset[str]]] = {}

    def of(self, record: Record, line: bytes | None) -> Shared:
        """What the record has in common with others; found quickest by the bytes that its line ends with."""
        is_root = record.get("parent_id") is None
        if line is None:
            return self._found(record, is_root)
        key = ending(line), is_root
        shared, fields = self._by_ending.get(key) or self._learn(*key)
        # A shared field that stands somewhere else in the line as well could have another value there.
        return shared if record.keys() <= fields else self._found(record, is_root)

    def _learn(self, end: bytes, is_root: bool) -> tuple[Shared, frozenset[str]]:
        """What an ending gives, and the fields that a record with it may have; none when it is no part of a line."""
        record = parse_line(b"{" + end[1:]) or {}
        is_one = record and record.keys() <= set(SHARED)
        if len(self._by_ending) >= _MOST:
            self._by_ending.clear()
        known = self._found(record, is_root), _OWN.union(record) if is_one else frozenset[str]()
        self._by_ending[end, is_root] = known
        return known

    def _found(self, record: Record, is_root: bool) -> Shared:
        process = mapping(record.get("process"))
        key = (is_root, *map(record.get, SHARED[:-1]), *process, *process.values())
        try:
            known = self._by_fields.get(key)
        except TypeError:  # one of the values is an object or a list, in a record that we did not write
            return self._make(record, is_root)
        if known is None:
            if len(self._by_fields) >= _MOST:
                self._by_fields.clear()
            known = self._by_fields[key] = self._make(record, is_root)
        return known
