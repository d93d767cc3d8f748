"""Agents: how often each was called, how it went, how long it took and what it cost."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from agent_trace.store import AgentRow
from agent_trace.viewer.narrowing import chosen, narrowed
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import Content, Page, Question

_MOST: Final = 200
_PARTS: Final = ("since", "until", "tenant", "agent", "model")

_ORDERS: Final[Mapping[str, Callable[[AgentRow], Any]]] = {
    "calls": lambda row: row.calls,
    "errors": lambda row: row.errors,
    "rate": lambda row: row.errors / row.observations if row.observations else 0,
    "p50": lambda row: row.p50_ns or 0,
    "p95": lambda row: row.p95_ns or 0,
    "p99": lambda row: row.p99_ns or 0,
    "tokens": lambda row: row.tokens,
    "cost": lambda row: row.cost or 0,
    "last": lambda row: row.last_ns,
}
"""What the rows can be sorted by, the largest first."""


def content(question: Question) -> Content:
    """The agents that have anything that fits. `count`: how many there are, of which no more than 200 are told."""
    where, typed = narrowed(question.query, _PARTS)
    sort = chosen(question.query, "sort", tuple(_ORDERS))
    agents = sorted(question.store.agents(where), key=_ORDERS[sort], reverse=True)
    return {
        "agents": agents[:_MOST],
        "count": len(agents),
        "sort": sort,
        "filter": typed,
        "filters": _PARTS,
        "names": names_of(question.store),
    }


PAGE = Page("agents", "/agents", "agents.html", content, title="Agents")
