"""Budgets as a table for people and as fields for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import ConsoleOptions
from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.grid import Column, Fitted, Grid, Row
from agent_trace.display import figures
from agent_trace.spending.states import BudgetState

_STYLES: Final = {0: "green", 80: "yellow", 100: "bold red"}
_CALENDAR: Final = ("hour", "day", "month")


def budgets_table(states: Sequence[BudgetState]) -> Fitted:
    """One line a limit, the fullest first."""
    columns = (
        Column("BUDGET OF", rank=10, shrinks_to=14),
        Column("SPENT", rank=9, align="right"),
        Column("LIMIT", rank=8, align="right"),
        Column("USED", rank=9, align="right"),
        Column("WINDOW", rank=7),
        Column("UNTIL", rank=4),
        Column("THEN", rank=5),
    )

    def build(options: ConsoleOptions) -> Grid:
        return Grid(columns, [_row(state, options.is_terminal) for state in states])

    return Fitted(build)


def _row(state: BudgetState, is_terminal: bool) -> Row:
    ends = state.window in _CALENDAR
    return (
        words.word(state.scope_text),
        Text(figures.money(state.spent, state.unpriced)),
        Text(figures.money(state.limit)),
        Text(f"{state.percent:.0f} %", _STYLES[state.level]),
        Text(state.window if ends else f"last {state.window}"),
        words.started(state.until_ns, is_terminal=is_terminal) if ends else Text(figures.UNKNOWN),
        Text("calls are refused" if state.on_exceeded == "raise" else "a warning"),
    )


def as_answer(state: BudgetState) -> dict[str, Any]:
    """The same for programs. Money is in US dollars, times in nanoseconds since the epoch."""
    return {**asdict(state), "percent": round(float(state.percent), 2), "level": state.level}
