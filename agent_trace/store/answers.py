"""What the store answers with: rows, trees and ledgers. Plain values; no SQL and no files here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from agent_trace.observation import Observation

Status = Literal["ok", "error", "running", "interrupted"]
"""How a trace stands. `running`: something in it was opened by a process that is still alive."""

State = Literal["finished", "running", "interrupted"]
"""How one observation stands. `interrupted`: it was opened, and its process ended without finishing it."""

CostKey = Literal["agent", "tenant", "model", "session", "day"]
"""What `Store.costs` can be summed by."""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One line of a list of traces. `cost` (US dollars) and `tokens` count every generation once."""

    trace_id: str
    name: str
    start_ns: int
    end_ns: int | None
    """The latest end seen; None while nothing of the trace has finished."""
    status: Status
    observations: int
    generations: int
    tokens: int
    cost: Decimal | None
    """None when no price is known for any of it."""
    unpriced: int
    """Observations with token counts that nobody could price: `cost` is without them."""
    errors: int
    agent_id: str | None
    agent_name: str | None
    tenant_id: str | None
    user_id: str | None
    session_id: str | None
    agents: list[str] = field(default_factory=list)
    """Every agent seen in the trace, by id or else by name, sorted."""
    models: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    """Actions in the order they were given, such as `["BUY", "HOLD"]`."""
    input_preview: str | None = None
    output_preview: str | None = None

    @property
    def model(self) -> str | None:
        """The first of `models`, or None."""
        return self.models[0] if self.models else None

    @property
    def duration_ns(self) -> int | None:
        """Nanoseconds from the first start to the last end; None while unknown."""
        return None if self.end_ns is None else self.end_ns - self.start_ns


@dataclass(slots=True)
class Node:
    """One observation in its tree, with those it opened, in the order they started."""

    observation: Observation
    state: State = "finished"
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator[tuple[int, "Node"]]:
        """This node and all below it as (depth, node), top down, at any depth without recursion."""
        waiting = [(0, self)]
        while waiting:
            depth, node = waiting.pop()
            yield depth, node
            waiting.extend((depth + 1, child) for child in reversed(node.children))


@dataclass(slots=True)
class Trace:
    """One trace as a tree. An observation whose parent is not in the trace is a root as well."""

    trace_id: str
    row: TraceRow
    roots: list[Node]
    observations: list[Observation]
    """All of them, by start time."""

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Every node as (depth, node), root by root, top down."""
        for root in self.roots:
            yield from root.walk()

    def _repr_html_(self) -> str:
        """The tree, where the trace is the last value of a notebook's cell."""
        from agent_trace.store.notebook import trace_html

        return trace_html(self)


@dataclass(frozen=True, slots=True)
class TracePage:
    """Traces, the newest first, and the `before_key` of the page after them; None when there are no more."""

    rows: list[TraceRow]
    older: tuple[int, str] | None
    is_complete: bool = True
    """False: before the page was full, so many traces were gone through that the rest is left to the next one."""


@dataclass(frozen=True, slots=True)
class Score:
    """One judgement. `observation_id` is None for that of a whole trace; `data_type` is in Langfuse's words."""

    observation_id: str | None
    name: str
    value: float | bool | str | None
    data_type: str
    comment: str | None
    at_ns: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Score":
        """The score that a record of that kind holds, as far as it can be read."""
        said = record.get("score")
        given: Mapping[str, Any] = said if isinstance(said, dict) else {}
        value, comment, at_ns = given.get("value"), given.get("comment"), record.get("at_ns")
        return cls(
            observation_id=str(record["id"]) if record.get("id") else None,
            name=str(given.get("name") or "score"),
            value=value if isinstance(value, float | int | str) else None,
            data_type=str(given.get("data_type") or ""),
            comment=None if comment is None else str(comment),
            at_ns=at_ns if isinstance(at_ns, int) else 0,
        )


@dataclass(frozen=True, slots=True)
class Match:
    """One observation that a search found, and the text around the first words that matched."""

    observation: Observation
    snippet: str
    marks: tuple[tuple[int, int], ...] = ()
    """Where the words that matched stand in `snippet`, as (start, end)."""
    field: str = ""
    """The part of the record that the snippet comes from, such as `output` or `metadata`."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where every journal record went: `recorded` is the sum of all the others.

    Records are observations, their openings, amendments and scores.
    """

    recorded: int
    indexed: int
    pending: int
    """In the journal and not read into the index yet."""
    torn: int
    """Begun and never completed, because the process died in the middle of the write."""
    damaged: int
    """Complete, but not a record any more: set aside, the rest was read."""
    evicted: int
    """Removed with their segments by retention."""
    lost: dict[str, int] = field(default_factory=dict)
    """Never written, by reason, such as `{"disk_full": 3}`."""
    segments: int = 0
    bytes: int = 0
    """Size of all segments on disk."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention removed, or would remove in a dry run."""

    segments: int
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One signal that an agent gave."""

    at_ns: int
    agent: str | None
    """The agent's id, or else its name."""
    action: str
    confidence: float | str | None
    """As it was given."""
    percent: int | None
    """`confidence` on a scale of 0 to 100, or None where it makes no sense on its scale."""
    symbol: str | None
    trace_id: str
    id: str


@dataclass(frozen=True, slots=True)
class CostRow:
    """Tokens and cost of everything with the same key; nested reports of one usage count once."""

    key: str
    """The agent, tenant, model, session or day (YYYY-MM-DD, UTC); "" for those without one."""
    total: Decimal | None
    """US dollars; None when nothing of it could be priced."""
    tokens: dict[str, int]
    """By class, such as `{"input": 1200, "output": 340, "cache_read": 800}`."""
    calls: int
    """Observations that reported tokens or a cost."""
    unpriced: int
    """Those of them that `total` is without."""
    keys: tuple[str, ...] = ()
    """All keys, when it is a sum by more than one: `key` is the first of them."""
    invocations: int = 0
    """Observations of type `agent` among what was summed."""
