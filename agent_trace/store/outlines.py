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

Line = tuple[Any, ...]
"""Columns of an observation: its address, its id, that of its parent, and more."""
_ID, _PARENT = 1, 2


def outline(connection: sqlite3.Connection, liveness: Liveness, found: Found) -> Outline:
    """Every observation of a trace in the order of its tree."""
    lines = connection.execute(_LINES, (found.trace,)).fetchall()
    actions: dict[int, str] = dict(connection.execute(_SIGNALS, (found.trace,)).fetchall())
    return Outline(
        trace_id=found.trace_id,
        row=queries.trace_row(connection, liveness, found.trace),
        entries=[
            _entry(depth, line, has_children, actions, liveness)
            for depth, line, has_children in in_tree_order(lines)
        ],
    )


def has_opened(connection: sqlite3.Connection, trace: int) -> bool:
    """Whether something of a trace was opened and is not finished."""
    found = connection.execute("SELECT opened FROM traces WHERE number = ?", (trace,)).fetchone()
    return bool(found and found[0])


def in_tree_order(lines: list[Line]) -> Iterator[tuple[int, Line, bool]]:
    """(depth, line, whether something stands below it), as `tree.build_tree` has them: circles are cut."""
    below: dict[bytes, list[Line]] = {}
    present = {line[_ID] for line in lines}
    roots = []
    for line in lines:
        parent = line[_PARENT]
        if parent in present and parent != line[_ID]:
            below.setdefault(parent, []).append(line)
        else:
            roots.append(line)
    for root in roots:
        yield from _downwards(root, below)
    # What no root leads to: a circle is entered where it began first, and left before it closes.
    left = {child[_ID] for children in below.values() for child in children}
    for line in lines if left else ():
        if line[_ID] in left:
            below[line[_PARENT]].remove(line)
            for each in _downwards(line, below):
                left.remove(each[1][_ID])
                yield each


def _downwards(start: Line, below: dict[bytes, list[Line]]) -> Iterator[tuple[int, Line, bool]]:
    """All below a line, which are taken out of `below`: whoever was there has no children any more."""
    waiting = [(0, start)]
    while waiting:
        depth, line = waiting.pop()
        children = below.pop(line[_ID], None)
        yield depth, line, bool(children)
        if children:
            children.reverse()
            waiting += [(depth + 1, child) for child in children]


def _entry(depth: int, line: Line, has_children: bool, actions: dict[int, str], liveness: Liveness) -> Entry:
    record, id, parent, opened, type, name, start_ns, end_ns, level, model, tokens, cost, unpriced, agent = (
        line
    )
    # By their order, not by name: there may be ten thousand of them.
    return Entry(
        depth,
        id.hex(),
        None if parent is None else parent.hex(),
        type,
        name,
        start_ns,
        end_ns,
        LEVELS[level],
        liveness.state_of(record) if opened else "finished",
        model,
        tokens,
        None if cost is None else dollars(cost),
        bool(unpriced),
        actions.get(record),
        agent,
        has_children,
    )
