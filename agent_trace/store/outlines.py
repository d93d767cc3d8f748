"""A whole trace as lines, from the index alone: no record is opened, however many observations there are."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from agent_trace.observation import LEVELS
from agent_trace.store import queries
from agent_trace.store.liveness import Liveness
from agent_trace.store.names import Found
from agent_trace.store.overviews import Entry, Outline
from agent_trace.store.rows import dollars

_LINES: Final = """
SELECT record, id, parent_id, opened, type, name, start_ns, end_ns, level, model, tokens, cost_pico, unpriced,
    coalesce(nullif(agent_id, ''), agent_name)
FROM observations WHERE trace = ? ORDER BY start_ns, record
"""
_SIGNALS: Final = "SELECT record, action FROM signals WHERE trace = ? ORDER BY at_ns, nth"

_Line = tuple[Any, ...]
_ID, _PARENT = 1, 2


def outline(connection: sqlite3.Connection, liveness: Liveness, found: Found) -> Outline:
    """Every observation of a trace in the order of its tree."""
    lines = connection.execute(_LINES, (found.trace,)).fetchall()
    actions: dict[int, str] = dict(connection.execute(_SIGNALS, (found.trace,)).fetchall())
    return Outline(
        trace_id=found.trace_id,
        row=queries.trace_row(connection, liveness, found.trace),
        entries=[
            _entry(depth, line, has_children, actions.get(line[0]), liveness)
            for depth, line, has_children in _in_tree_order(lines)
        ],
    )


def _in_tree_order(lines: list[_Line]) -> Iterator[tuple[int, _Line, bool]]:
    """(depth, line, whether something stands below it), as `tree.build_tree` has them: circles are cut."""
    below: dict[bytes, list[_Line]] = {}
    present = {line[_ID] for line in lines}
    roots = []
    for line in lines:
        parent = line[_PARENT]
        if parent in present and parent != line[_ID]:
            below.setdefault(parent, []).append(line)
        else:
            roots.append(line)
    seen: set[bytes] = set()
    # After the roots, what no root leads to: a circle is entered where it began first.
    for start in (*roots, *lines):
        if start[_ID] not in seen:
            yield from _downwards(start, below, seen)


def _downwards(
    start: _Line, below: dict[bytes, list[_Line]], seen: set[bytes]
) -> Iterator[tuple[int, _Line, bool]]:
    seen.add(start[_ID])
    waiting = [(0, start)]
    while waiting:
        depth, line = waiting.pop()
        children = [each for each in below.get(line[_ID], ()) if each[_ID] not in seen]
        seen.update(each[_ID] for each in children)
        yield depth, line, bool(children)
        waiting.extend((depth + 1, child) for child in reversed(children))


def _entry(depth: int, line: _Line, has_children: bool, action: str | None, liveness: Liveness) -> Entry:
    record, id, parent, opened, type, name, start_ns, end_ns, level, model, tokens, cost, unpriced, agent = (
        line
    )
    return Entry(
        depth=depth,
        id=id.hex(),
        parent_id=None if parent is None else parent.hex(),
        type=type,
        name=name,
        start_ns=start_ns,
        end_ns=end_ns,
        level=LEVELS[level],
        state=liveness.state_of(record) if opened else "finished",
        model=model,
        tokens=tokens,
        cost=dollars(cost),
        unpriced=bool(unpriced),
        signal=action,
        agent=agent,
        has_children=has_children,
    )
