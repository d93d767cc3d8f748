"""One line for each thing that happens, as `agent-trace tail` prints them under one another."""

import time
from typing import Final

from rich.console import Console
from rich.text import Text

from agent_trace.cli import words
from agent_trace.display import figures
from agent_trace.observation import Observation

_WIDE_CELLS: Final = 100
_MOST_NAMES: Final = 10_000


class LiveLines:
    """Turns observations into lines. It remembers names: what is added later comes without one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._wide = not console.is_terminal or console.width >= _WIDE_CELLS
        self._names: dict[str, str] = {}

    def print(self, found: Observation) -> None:
        """Print what has started, finished or been added."""
        line = self._line(found)
        if self._console.is_terminal:
            line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line, no_wrap=True, overflow="ignore", crop=False)

    def _line(self, found: Observation) -> Text:
        name = self._names.get(found.id, "") if found.kind == "amendment" else found.name
        self._remember(found)
        cells = [
            _time(found, wide=self._wide),
            words.identifier(found.trace_id, is_terminal=self._console.is_terminal),
            _column(words.word(name, "bold"), 24 if self._wide else 14),
        ]
        if self._wide:
            cells.append(_column(words.word("" if found.kind == "amendment" else found.type, "dim"), 10))
        cells.append(_column(_took(found), 7, right=True))
        cells += [cell for cell in (*_spent(found, wide=self._wide), *_news(found)) if cell]
        return Text("  ").join(cells)

    def _remember(self, found: Observation) -> None:
        if found.name:
            self._names[found.id] = found.name
        if len(self._names) > _MOST_NAMES:
            del self._names[next(iter(self._names))]


def _time(found: Observation, *, wide: bool) -> Text:
    """When it happened; for what is added later that is now."""
    at_ns = found.end_ns or found.start_ns or time.time_ns()
    return Text(figures.clock(at_ns) if wide else figures.clock(at_ns)[:8], "dim")


def _took(found: Observation) -> Text:
    if found.kind == "amendment":
        return Text("added", "dim")
    return words.status("running") if found.end_ns is None else Text(figures.duration(found.duration_ns))


def _spent(found: Observation, *, wide: bool) -> list[Text]:
    if not found.usage and not found.cost:
        return []
    cost = Text(figures.money(found.total_cost, unpriced=int(found.total_cost is None)))
    return [Text(figures.tokens(found.usage)), cost] if wide else [cost]


def _news(found: Observation) -> list[Text]:
    """What an observation has to tell beyond its figures."""
    news = [words.signal(found.signal)] if found.signal else []
    if found.error:
        news.append(Text.assemble(("✗ ", "red"), words.error(found.error)))
    elif found.status_message:
        news.append(words.prose(f"! {found.status_message}", "yellow"))
    return news


def _column(cell: Text, cells: int, *, right: bool = False) -> Text:
    if cell.cell_len > cells:
        cell.truncate(cells, overflow="ellipsis")
    blank = Text(" " * (cells - cell.cell_len))
    return Text.assemble(blank, cell) if right else Text.assemble(cell, blank)
