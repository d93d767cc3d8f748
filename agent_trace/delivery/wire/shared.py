"""What observations of one target, in one scope and one process, have in common: encoded once for all of them."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, TypeVarTuple

from agent_trace.delivery.backend import Record
from agent_trace.delivery.lines import ending
from agent_trace.delivery.reader import parse_line
from agent_trace.delivery.wire.values import json_bytes
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

Ts = TypeVarTuple("Ts")
R = TypeVar("R")
Encoded: TypeAlias = tuple[bytes, int]

_OWN: Final = frozenset(RECORD_KEYS).difference(SHARED)
_MOST: Final = 2_000
_MOST_FIELDS: Final = 100


class Shared(NamedTuple):
    """Encoded fields of a span, and how many `attributes` are among them.

    `tags` are those that the shared fields give, `tags_alone` their attribute where an observation has no tags itself.
    `is_everyday`: known to be of a record that has no other fields than those called everyday.
    """

    resource: bytes
    fields: bytes
    attributes: int
    type: str
    tags: tuple[str, ...] = ()
    tags_alone: bytes = b""
    is_everyday: bool = False


class SharedParts:
    """Keeps what `make` makes of the shared fields of a record; it is told whether it is the topmost of its trace."""

    def __init__(
        self, make: Callable[[Record, bool], Shared], everyday: frozenset[str] = frozenset()
    ) -> None:
        self._make = make
        self._everyday = everyday
        self._by_fields: dict[tuple[Any, ...], Shared] = {}
        self._by_ending: dict[tuple[Any, ...], Shared | None] = {}

    def of(self, record: Record, line: bytes | None) -> Shared:
        """What the record has in common with others; found quickest by the bytes that its line ends with."""
        is_root = record.get("parent_id") is None
        if line is None or len(record) > _MOST_FIELDS:
            return self._found(record, is_root)
        # With the names of all fields, in order: asking by each of them what it means would take longer.
        key = ending(line), is_root, *record
        try:
            shared = self._by_ending[key]
        except KeyError:
            shared = self._learn(record, key)
        return shared or self._found(record, is_root)

    def _learn(self, record: Record, key: tuple[Any, ...]) -> Shared | None:
        """What an ending gives to a record of such fields; None when it does not tell all that is shared."""
        end, is_root, *names = key
        last = parse_line(b"{" + end[1:]) or {}
        # A shared field that stands somewhere else in the line as well could have another value there.
        is_all = last and last.keys() <= set(SHARED) and _OWN.union(last).issuperset(names)
        known = self._found(record, is_root) if is_all else None
        if known is not None:
            known = known._replace(is_everyday=self._everyday.issuperset(names))
        if len(self._by_ending) >= _MOST:
            self._by_ending.clear()
        self._by_ending[key] = known
        return known

    def _found(self, record: Record, is_root: bool) -> Shared:
        # As JSON, since 1, 1.0 and True are the same key.
        key = is_root, json_bytes(list(map(record.get, SHARED)))
        return _kept(self._by_fields, key, self._make, record, is_root)


class ModelParts:
    """Keeps the encoded attributes that `make` makes of a model and its parameters, which are the same in many calls.

    `make` is told whether the model has answered. It gives the attributes and how many they are.
    """

    def __init__(self, make: Callable[[Any, Any, bool], Encoded]) -> None:
        self._make = make
        self._made: dict[tuple[Any, ...], Encoded] = {}

    def of(self, record: Record) -> Encoded:
        """The attributes of the record's model, and how many they are."""
        model, parameters = record.get("model"), record.get("model_parameters")
        is_answered = bool(record.get("usage") or record.get("finish_reason"))
        key = is_answered, json_bytes([model, parameters])
        return self._made.get(key) or _kept(self._made, key, self._make, model, parameters, is_answered)


def _kept(made: dict[tuple[Any, ...], R], key: tuple[Any, ...], make: Callable[[*Ts], R], *of: *Ts) -> R:
    known = made.get(key)
    if known is None:
        if len(made) >= _MOST:
            made.clear()
        known = made[key] = make(*of)
    return known
