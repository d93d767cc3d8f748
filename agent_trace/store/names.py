"""Finding the trace or observation that the start of an id means."""

import re
import sqlite3
from typing import Final, NamedTuple

from agent_trace.errors import AmbiguousId, NotFound

_HEX: Final = re.compile(r"[0-9a-f]{1,32}", re.ASCII)
_SHOWN: Final = 5


class Found(NamedTuple):
    """An observation by its place in the index, or with an empty `id` a whole trace."""

    trace: int
    trace_id: str
    id: str


def find_trace(connection: sqlite3.Connection, id_or_prefix: str) -> Found:
    """The one trace that is meant, by its id or that of an observation in it. Raises NotFound or AmbiguousId."""
    prefix = _checked(id_or_prefix)
    found = {each.trace: each for each in (*_observations(connection, prefix), *_traces(connection, prefix))}
    return _only(connection, prefix, list(found.values()))


def find_observation(connection: sqlite3.Connection, id_or_prefix: str) -> Found:
    """The one observation that is meant. Raises NotFound or AmbiguousId."""
    prefix = _checked(id_or_prefix)
    found = _observations(connection, prefix)
    if not found and _traces(connection, prefix):
        raise NotFound(
            f"{prefix!r} is a trace, not an observation: `agent-trace show {prefix}` lists what is in it"
        )
    return _only(connection, prefix, found)


def _checked(id_or_prefix: str) -> str:
    prefix = id_or_prefix.strip().lower()
    if not _HEX.fullmatch(prefix):
        raise NotFound(
            f"{id_or_prefix!r} is not an id: an id, or the start of one, is up to 32 digits of 0-9 and a-f. "
            "`agent-trace list` shows them"
        )
    return prefix


def _only(connection: sqlite3.Connection, prefix: str, found: list[Found]) -> Found:
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(each.id or each.trace_id for each in found[:_SHOWN])
        more = ", …" if len(found) > _SHOWN else ""
        raise AmbiguousId(
            f"{prefix!r} is the start of more than one id: {shown}{more}. Give a few more digits"
        )
    nearest = _nearest(connection, prefix)
    hint = f"; the nearest is {nearest}" if nearest else ""
    raise NotFound(
        f"no trace or observation has an id that starts with {prefix!r}{hint}. `agent-trace list` shows them"
    )


def _nearest(connection: sqlite3.Connection, prefix: str) -> str | None:
    """An id that begins the same, by four digits at least: most likely a slip of the hand."""
    for digits in range(len(prefix) - 1, 3, -1):
        found = _traces(connection, prefix[:digits]) or _observations(connection, prefix[:digits])
        if found:
            return found[0].id or found[0].trace_id
    return None


def _traces(connection: sqlite3.Connection, prefix: str) -> list[Found]:
    query = "SELECT number, trace_id FROM traces WHERE trace_id BETWEEN ? AND ? AND observations > 0 LIMIT ?"
    rows = connection.execute(query, (*_range(prefix, 32), _SHOWN + 1))
    return [Found(number, trace_id.hex(), "") for number, trace_id in rows]


def _observations(connection: sqlite3.Connection, prefix: str) -> list[Found]:
    if len(prefix) > 16:
        return []
    rows = connection.execute(
        "SELECT o.trace, t.trace_id, o.id FROM observations AS o JOIN traces AS t ON t.number = o.trace "
        "WHERE o.id BETWEEN ? AND ? LIMIT ?",
        (*_range(prefix, 16), _SHOWN + 1),
    )
    return [Found(number, trace_id.hex(), id.hex()) for number, trace_id, id in rows]


def _range(prefix: str, digits: int) -> tuple[bytes, bytes]:
    """The first and the last id of so many digits that start with the prefix."""
    return bytes.fromhex(prefix.ljust(digits, "0")), bytes.fromhex(prefix.ljust(digits, "f"))
