"""What sums of costs are put together from; and the part that is kept by session."""

from typing import Final, NamedTuple

from agent_trace.store.conditions import all_of
from agent_trace.store.filter import Filter
from agent_trace.store.spending import COUNTED, OF_OBSERVATION, SUMS


class CostPart(NamedTuple):
    """Queries for rows to be added up, and the values for their question marks."""

    sums: str
    rarer: str
    values: list[object]
    rarer_values: list[object]


_NO_NAMES: Final = "'' AS tenant, '' AS agent_id, '' AS agent_name, '' AS model"
_SESSION: Final = f"{_NO_NAMES}, s.session_id AS session, 0 AS day"
_NO_SESSION: Final = f"{_NO_NAMES}, '' AS session, 0 AS day"
_OF_SESSIONS: Final = (
    "FROM sessions AS s JOIN session_traces AS st ON st.session = s.number "
    "JOIN observations AS o INDEXED BY observations_by_trace ON o.trace = st.trace"
)


def session_parts(where: Filter) -> list[CostPart]:
    """What each session spent in some time; and the same taken away from what has no session.

    To be added to the sums over everything in that time: what is left without a session is what had none.
    """
    inside, inside_values = _inside(where)
    across, across_values = _across(where)
    own = [f"s.{each}" for each in SUMS]
    read = [OF_OBSERVATION[each] for each in SUMS]
    whole = _both(own, "FROM sessions AS s", inside)
    partly = _both(read, _OF_SESSIONS, f"{across} AND {COUNTED}")
    rarer = _both_rarer(
        "r.class", "r.count", "FROM sessions AS s JOIN session_rarely AS r ON r.session = s.number", inside
    )
    partly_rarer = _both_rarer(
        "each.key",
        "each.value",
        f"{_OF_SESSIONS}, json_each(o.usage_other) AS each",
        f"{across} AND o.usage_other IS NOT NULL",
    )
    return [
        *(CostPart(sums, few, inside_values, inside_values) for sums, few in zip(whole, rarer, strict=True)),
        *(
            CostPart(sums, few, across_values, across_values)
            for sums, few in zip(partly, partly_rarer, strict=True)
        ),
    ]


def of_no_session(part: CostPart) -> CostPart:
    """The same sums, whichever sessions they are of."""
    named = f"SELECT {_NO_SESSION}"
    return part._replace(
        sums=f"{named}, {', '.join(SUMS)} FROM ({part.sums})",
        rarer=f"{named}, class, count FROM ({part.rarer})",
    )


def _inside(where: Filter) -> tuple[str, list[object]]:
    """Sessions of which nothing lies outside that time."""
    asked = [("s.first_ns >= ?", where.since_ns), ("s.last_ns < ?", where.until_ns)]
    return all_of([each for each, value in asked if value is not None]), [
        value for _, value in asked if value is not None
    ]


def _across(where: Filter) -> tuple[str, list[object]]:
    """Observations in that time of sessions that began before it or went on after it."""
    inside, values = _inside(where)
    asked = [("o.start_ns >= ?", where.since_ns), ("o.start_ns < ?", where.until_ns)]
    # The last two say nothing new, and keep sessions out that ended before or began after.
    asked += [("s.last_ns >= ?", where.since_ns), ("s.first_ns < ?", where.until_ns)]
    conditions = [each for each, value in asked if value is not None]
    fits = all_of(["o.session_id = s.session_id", f"NOT ({inside})", *conditions])
    return fits, [*values, *(value for _, value in asked if value is not None)]


def _both(sums: list[str], rows: str, fits: str) -> tuple[str, str]:
    added = ", ".join(f"{each} AS {name}" for each, name in zip(sums, SUMS, strict=True))
    taken = ", ".join(f"-({each}) AS {name}" for each, name in zip(sums, SUMS, strict=True))
    return (
        f"SELECT {_SESSION}, {added} {rows} WHERE {fits}",
        f"SELECT {_NO_SESSION}, {taken} {rows} WHERE {fits}",
    )


def _both_rarer(name: str, count: str, rows: str, fits: str) -> tuple[str, str]:
    return (
        f"SELECT {_SESSION}, {name} AS class, {count} AS count {rows} WHERE {fits}",
        f"SELECT {_NO_SESSION}, {name} AS class, -({count}) AS count {rows} WHERE {fits}",
    )
