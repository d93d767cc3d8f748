"""A trace's observations as a tree, whatever their parents say. Nothing here recurses: depth is the user's."""

import sqlite3
from collections.abc import Iterable

from agent_trace.observation import Observation
from agent_trace.store.answers import Node, State, Trace
from agent_trace.store.liveness import Liveness
from agent_trace.store.names import Found
from agent_trace.store.queries import trace_row
from agent_trace.store.reading import Reading


def whole_trace(connection: sqlite3.Connection, reading: Reading, liveness: Liveness, found: Found) -> Trace:
    """A trace with all its observations."""
    stated: list[tuple[Observation, State]] = [
        (observation, liveness.state_of(record) if opened else "finished")
        for record, opened, observation in reading.of_trace(found.trace)
    ]
    return Trace(
        trace_id=found.trace_id,
        row=trace_row(connection, liveness, found.trace),
        roots=build_tree(stated),
        observations=[observation for observation, _ in stated],
    )


def build_tree(observations: Iterable[tuple[Observation, State]]) -> list[Node]:
    """The roots, with everything below them, in the order given.

    Whose parent is not among them is a root. Parents that go round in a circle, which only a damaged
    record can say, are cut at the first of them.
    """
    nodes: dict[str, Node] = {}
    for observation, state in observations:
        nodes.setdefault(observation.id, Node(observation, state))
    roots = []
    for node in nodes.values():
        parent = nodes.get(node.observation.parent_id or "")
        if parent is None or parent is node:
            roots.append(node)
        else:
            parent.children.append(node)
    return roots + _cut_circles(nodes, roots)


def _cut_circles(nodes: dict[str, Node], roots: list[Node]) -> list[Node]:
    reached = {id(node) for root in roots for _, node in root.walk()}
    if len(reached) == len(nodes):
        return []
    cut = []
    for node in nodes.values():
        if id(node) not in reached:
            parent = nodes[node.observation.parent_id or ""]
            parent.children = [child for child in parent.children if child is not node]
            cut.append(node)
            reached |= {id(below) for _, below in node.walk()}
    return cut
