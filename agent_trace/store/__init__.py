"""Journal -> SQLite -> answers: the index over what was recorded, and the questions asked of it."""

from agent_trace.store.answers import (
    CostKey,
    CostRow,
    Filter,
    Ledger,
    Match,
    Node,
    Pruned,
    SignalRow,
    State,
    Status,
    Trace,
    TraceRow,
)
from agent_trace.store.refresh import Progress
from agent_trace.store.store import Store

__all__ = [
    "CostKey",
    "CostRow",
    "Filter",
    "Ledger",
    "Match",
    "Node",
    "Progress",
    "Pruned",
    "SignalRow",
    "State",
    "Status",
    "Store",
    "Trace",
    "TraceRow",
]
