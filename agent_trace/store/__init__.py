"""Journal -> SQLite -> answers: the index over what was recorded, and the questions asked of it."""

from agent_trace.store.answers import (
    CostKey,
    CostRow,
    Ledger,
    Match,
    Node,
    Pruned,
    Score,
    SignalRow,
    State,
    Status,
    Trace,
    TracePage,
    TraceRow,
)
from agent_trace.store.filter import Filter
from agent_trace.store.overviews import AgentRow, Entry, Names, Outline, SessionRow, Totals
from agent_trace.store.refresh import Progress
from agent_trace.store.store import Store

__all__ = [
    "AgentRow",
    "CostKey",
    "CostRow",
    "Entry",
    "Filter",
    "Ledger",
    "Match",
    "Names",
    "Node",
    "Outline",
    "Progress",
    "Pruned",
    "Score",
    "SessionRow",
    "SignalRow",
    "State",
    "Status",
    "Store",
    "Totals",
    "Trace",
    "TracePage",
    "TraceRow",
]
