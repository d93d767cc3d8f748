"""What observations of one target, in one scope and one process, have in common: encoded once for all of them."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, TypeVarTuple

from agent_trace.delivery.backend import Record
from agent_trace.delivery.lines import ending
from agent_trace.delivery.reader import parse_line
from agent_trace.delivery.wire.values import json_bytes, mapping
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
        # As JSON, since 1, 1.0 and True are the same key.
        key = model, is_answered, json_bytes(parameters)
        return _kept(self._made, key, self._make, model, parameters, is_answered)


def _kept(made: dict[tuple[Any, ...], R], key: tuple[Any, ...], make: Callable[[*Ts], R], *of: *Ts) -> R:
    try:
        known = made.get(key)
    except TypeError:  # one of the values is an object or a list
        return make(*of)
    if known is None:
        if len(made) >= _MOST:
            made.clear()
        known = made[key] = make(*of)
    return known
