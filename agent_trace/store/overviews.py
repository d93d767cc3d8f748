"""What the store answers with when many observations are told as one: totals, sessions, agents, outlines, names."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from agent_trace.store.answers import State, TraceRow

PERCENTILE_ERROR: Final = 0.025
"""Durations are counted in steps of 5 %: a percentile is at most this share beside the true one."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of all traces that fit a filter: of the rows that `Store.traces` would list, page after page."""

    traces: int = 0
    observations: int = 0
    generations: int = 0
    tokens: int = 0
    cost: Decimal | None = None
    """US dollars; None when nothing of it could be priced."""
    unpriced: int = 0
    """Observations with token counts that `cost` is without."""
    errors: int = 0
    """Observations that failed."""
    is_complete: bool = True
    """False when there are too many to look at: these are the sums of the newest of them."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as a whole, whichever of its observations fitted the question."""

    session_id: str
    first_ns: int
    """When its first observation started; nanoseconds since the epoch."""
    last_ns: int
    """When its last observation started."""
    traces: int
    observations: int
    generations: int
    tokens: int
    cost: Decimal | None
    unpriced: int
    errors: int
    tenants: list[str] = field(default_factory=list)
    """Seen in it, sorted."""
    agents: list[str] = field(default_factory=list)
    """Seen in it, by id or else by name, sorted."""
    signals: dict[str, int] = field(default_factory=dict)
    """How often each action was given, the most frequent first, such as `{"BUY": 3, "HOLD": 1}`."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """What one agent did, of the observations that fitted the question."""

    agent: str
    """Its id, or else its name."""
    calls: int
    """Observations of type `agent`; of an agent without any, its generations."""
    errors: int
    """Those of its observations that failed."""
    p50_ns: int | None
    """Of the duration of finished calls, at most 2.5 % beside the true one; None when there are none."""
    p95_ns: int | None
    p99_ns: int | None
    tokens: int
    cost: Decimal | None
    unpriced: int
    signals: dict[str, int]
    """How often each action was given, the most frequent first."""
    last_ns: int
    """When its last observation started."""
    observations: int = 0


# Not frozen: to make a frozen one takes seven times as long, and an outline may have ten thousand.
@dataclass(slots=True)
class Entry:
    """One observation in the outline of its trace."""

    depth: int
    id: str
    parent_id: str | None
    """As it was recorded: it need not be in the trace."""
    type: str | None
    name: str | None
    start_ns: int
    end_ns: int | None
    level: str
    """DEFAULT, WARNING or ERROR."""
    state: State
    model: str | None
    tokens: int | None
    cost: Decimal | None
    unpriced: bool
    signal: str | None
    """The action that was given last."""
    agent: str | None
    """The agent's id, or else its name."""
    has_children: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole trace as lines, top down; parents stand before what they opened, roots have depth 0."""

    trace_id: str
    row: TraceRow
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Names:
    """Values to offer in a menu: of each kind those that occur most, at most 50."""

    agents: list[str] = field(default_factory=list)
    """By id or else by name."""
    tenants: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    """Actions, in capital letters."""
    sessions: list[str] = field(default_factory=list)
    """The newest, not the most used: they are many."""
