"""The lines of a trace's tree: what each observation shows beside its bar, in the words of the page."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent_trace.display import figures
from agent_trace.display.actions import direction
from agent_trace.display.visible import one_line
from agent_trace.display.waterfall import Axis
from agent_trace.store.overviews import Entry

LEAST_PERCENT = 0.05
"""A bar without any width would not be drawn."""
_NAME_CHARACTERS = 160
_MODEL_CHARACTERS = 60

# A large trace says the same few names and amounts thousands of times.
_word = lru_cache(4096)(one_line)
_money = lru_cache(4096)(figures.money)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `x` and `width`: its bar, in percent of the axis. `has_children`: it can be opened and closed."""

    id: str
    depth: int
    type: str
    name: str
    state: str
    level: str
    signal: str
    model: str
    tokens: str
    cost: str
    took: str
    x: float
    width: float
    critical: bool
    has_children: bool

    @property
    def status(self) -> str:
        """`error`, `warning`, `running` or `interrupted`; empty when there is nothing to say."""
        if self.state != "finished":
            return self.state
        return {"ERROR": "error", "WARNING": "warning"}.get(self.level, "")

    def cells(self) -> list[Any]:
        """The same for the script, which makes the lines of a large trace as they are needed."""
        return [
            self.id,
            self.depth,
            self.type,
            self.name,
            self.status,
            self.signal,
            self.model,
            self.tokens,
            self.cost,
            self.took,
            self.x,
            self.width,
            int(self.critical),
            int(self.has_children),
            direction(self.signal) if self.signal else "",
        ]


def line(entry: Entry, axis: Axis, path: frozenset[str]) -> Line:
    """The line of one observation; `path` is the trace's critical path."""
    finished = entry.state == "finished"
    # Nobody knows when an interrupted one ended: its bar is where it began.
    end_ns = entry.start_ns if entry.state == "interrupted" and entry.end_ns is None else entry.end_ns
    x, width = axis.place(entry.start_ns, end_ns)
    type = entry.type or "span"
    return Line(
        id=entry.id,
        depth=entry.depth,
        type=type,
        name=_word(entry.name or type, _NAME_CHARACTERS),
        state=entry.state,
        level=entry.level,
        signal="" if entry.signal is None else _word(entry.signal, 24),
        model=_word(entry.model or "", _MODEL_CHARACTERS),
        tokens=figures.count(entry.tokens) if entry.tokens else "",
        cost="" if entry.cost is None and not entry.unpriced else _money(entry.cost, int(entry.unpriced)),
        took=figures.duration(entry.end_ns - entry.start_ns)
        if finished and entry.end_ns is not None
        else entry.state,
        x=x,
        width=max(width, LEAST_PERCENT),
        critical=entry.id in path,
        has_children=entry.has_children,
    )
