"""A Filter written as SQL conditions, and asked of an observation that is in memory."""

from collections.abc import Collection, Set
from typing import Final, NamedTuple, Protocol

import orjson

from agent_trace.costs import pico
from agent_trace.observation import Observation
from agent_trace.store.filter import Filter
from agent_trace.store.recalling import Recalled
from agent_trace.store.records import LEVEL_RANK, SEGMENT_SHIFT
from agent_trace.store.words import is_said, terms_of

NS_A_SECOND: Final = 1_000_000_000

Conditions = tuple[list[str], list[object]]
"""SQL conditions, all of which must hold, and the values for their question marks."""


class Places(Protocol):
    """Where the words of a text stand. Nothing is looked up before it is asked for."""

    has_phrase: bool
    """Whether the words alone do not tell."""
    has_beginning: bool
    """Whether each look takes its time, however little is looked at."""
    walked: Recalled
    """What was found among which traces, for whoever goes through the same once more."""

    @property
    def is_common(self) -> bool:
        """Whether there are so many that a question had better not look for all of them."""

    def count(self) -> int:
        """How many observations have the words, or a few more."""

    def as_json(self) -> str:
        """Addresses of these observations as one value for a question mark."""

    def among(self, places: Collection[int]) -> tuple[Collection[int], int]:
        """Those of these addresses of records that have the words, and how many others were passed by to find them."""

    def holds(self, observation: int) -> bool:
        """Whether an observation that has all words has its phrases too."""


class Narrowing(NamedTuple):
    """A filter, with what the tables alone cannot tell about it."""

    where: Filter
    said: Places | None = None
    """Where the words of `where.text` stand, when it asks for any."""
    running: Collection[int] = ()
    """Segments whose process is alive, when `where.status` asks for that."""


_TEXT_CONDITIONS: Final = {
    "agent": "(o.agent_id = ?1 OR o.agent_name = ?1)",
    "tenant": "o.tenant_id = ?1",
    "session": "o.session_id = ?1",
    "user": "o.user_id = ?1",
    "type": "o.type = ?1",
    "name": "o.name = ?1",
    "model": "o.model = ?1",
    "tag": "EXISTS (SELECT 1 FROM tags WHERE tags.record = o.record AND tags.tag = ?1)",
    "signal": "EXISTS (SELECT 1 FROM signals AS s WHERE s.record = o.record AND +s.action = ?1 COLLATE NOCASE)",
}


def text_conditions(asked: Narrowing, known: Set[str] = frozenset()) -> Conditions:
    """What the text fields ask of an observation `o`; those in `known` hold of it anyway."""
    where = asked.where
    conditions: list[str] = []
    values: list[object] = []
    for field, condition in _TEXT_CONDITIONS.items():
        value = getattr(where, field)
        if value is not None and field not in known:
            values += [value] * condition.count("?1")
            conditions.append(condition.replace("?1", "?"))
    if where.level is not None and "level" not in known:
        conditions.append("o.level = ?")
        values.append(LEVEL_RANK.get(where.level.upper(), -1))
    if asked.said is not None and "text" not in known:
        conditions.append("o.record IN (SELECT value FROM json_each(?))")
        values.append(asked.said.as_json())
    return conditions, values


def status_conditions(asked: Narrowing, row: str) -> Conditions:
    """What the status asks of a row of `traces` that goes by the name `row`."""
    if asked.where.status is None:
        return [], []
    if asked.where.status in ("ok", "error"):
        return [f"{row}.opened = 0", f"{row}.errors {'= 0' if asked.where.status == 'ok' else '> 0'}"], []
    runs = (
        f"EXISTS (SELECT 1 FROM observations AS open WHERE open.trace = {row}.number AND open.opened "
        f"AND open.record >> {SEGMENT_SHIFT} IN (SELECT value FROM json_each(?)))"
    )
    is_not = "" if asked.where.status == "running" else "NOT "
    return [f"{row}.opened > 0", is_not + runs], [as_json(asked.running)]


def bound_conditions(where: Filter, row: str) -> Conditions:
    """What time, cost and duration ask of a row of `observations` or `traces` that goes by the name `row`."""
    bounds = (
        (f"{row}.start_ns >= ?", where.since_ns),
        (f"{row}.start_ns < ?", where.until_ns),
        (f"{row}.cost_pico >= ?", None if where.min_cost is None else pico(where.min_cost)),
        (
            f"{row}.end_ns - {row}.start_ns >= ?",
            None if where.min_duration_s is None else int(where.min_duration_s * NS_A_SECOND),
        ),
    )
    asked = [(condition, value) for condition, value in bounds if value is not None]
    return [condition for condition, _ in asked], [value for _, value in asked]


def observation_conditions(asked: Narrowing) -> Conditions:
    """All that a filter asks of an observation `o`."""
    where = asked.where
    conditions, values = text_conditions(asked)
    bounds, limits = bound_conditions(where, "o")
    if where.trace_id is not None:
        bounds.append("o.trace = (SELECT number FROM traces WHERE trace_id = ?)")
        limits.append(id_bytes(where.trace_id))
    statuses, more = status_conditions(asked, "t")
    if statuses:
        bounds.append(f"EXISTS (SELECT 1 FROM traces AS t WHERE t.number = o.trace AND {all_of(statuses)})")
        limits += more
    return conditions + bounds, values + limits


def as_json(numbers: Collection[int]) -> str:
    """Numbers as one value for a question mark, to be read by `json_each`."""
    return orjson.dumps(list(numbers)).decode()


def id_bytes(id: str) -> bytes:
    """An id as the index stores it; of what is no id, something that nothing is stored under."""
    try:
        return bytes.fromhex(id)
    except ValueError:
        return b""


def all_of(conditions: list[str]) -> str:
    """Conditions as the text after WHERE."""
    return " AND ".join(conditions) or "1"


def fits(observation: Observation, where: Filter) -> bool:
    """Whether an observation that is not in the index yet fits a filter."""
    return _texts_fit(observation, where) and _bounds_fit(observation, where) and _says(observation, where)


def _says(observation: Observation, where: Filter) -> bool:
    if where.text is None:
        return True
    terms = terms_of(where.text)
    return bool(terms) and is_said(observation.to_record(), terms)


def _texts_fit(observation: Observation, where: Filter) -> bool:
    signal = observation.signal or {}
    pairs = (
        (where.tenant, (observation.tenant_id,)),
        (where.session, (observation.session_id,)),
        (where.user, (observation.user_id,)),
        (where.type, (observation.type,)),
        (where.level and where.level.upper(), (observation.level,)),
        (where.name, (observation.name,)),
        (where.model, (observation.model,)),
        (where.trace_id, (observation.trace_id,)),
        (where.agent, (observation.agent_id, observation.agent_name)),
        (where.tag, observation.tags),
        (where.signal and where.signal.lower(), (str(signal.get("action", "")).lower(),)),
    )
    return all(asked is None or asked in found for asked, found in pairs)


def _bounds_fit(observation: Observation, where: Filter) -> bool:
    start_ns, duration_ns, cost = observation.start_ns, observation.duration_ns, observation.total_cost
    if where.since_ns is not None and start_ns < where.since_ns:
        return False
    if where.until_ns is not None and start_ns >= where.until_ns:
        return False
    if where.min_cost is not None and (cost is None or cost < where.min_cost):
        return False
    return where.min_duration_s is None or (
        duration_ns is not None and duration_ns >= where.min_duration_s * NS_A_SECOND
    )
