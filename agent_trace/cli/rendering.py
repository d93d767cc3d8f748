"""What the store answers with as tables and trees for a terminal; `console.print(traces_table(rows))`."""

from collections.abc import Sequence

from rich.console import ConsoleOptions
from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.grid import Column, Fitted, Grid, Row
from agent_trace.cli.tree import trace_tree
from agent_trace.display import figures
from agent_trace.store.answers import Match, SignalRow, TraceRow

__all__ = ["matches_table", "signals_table", "trace_tree", "traces_table"]


def traces_table(rows: Sequence[TraceRow]) -> Fitted:
    """One line a trace: what ran, how it ended, what it cost and what was decided."""
    columns = (
        Column("STATUS", rank=9),
        Column("STARTED", rank=7),
        Column("TRACE", rank=10),
        Column("NAME", rank=10, shrinks_to=16),
        Column("TOOK", rank=6, align="right"),
        Column("COST", rank=8, align="right"),
        Column("SIGNALS", rank=8, shrinks_to=10),
        Column("AGENTS", rank=5, shrinks_to=14),
        Column("OBS", rank=3, align="right"),
        Column("TOKENS", rank=4, align="right"),
        Column("TENANT", rank=2, shrinks_to=12),
        Column("MODEL", rank=2, shrinks_to=14),
        Column("OUTPUT", rank=1, shrinks_to=30),
    )

    def build(options: ConsoleOptions) -> Grid:
        return Grid(columns, [_trace_row(row, options.is_terminal) for row in rows])

    return Fitted(build)


def _trace_row(row: TraceRow, is_terminal: bool) -> Row:
    return (
        words.status(row.status),
        words.started(row.start_ns, is_terminal=is_terminal),
        words.identifier(row.trace_id, is_terminal=is_terminal),
        words.word(row.name, "bold"),
        Text(figures.duration(row.duration_ns)),
        Text(figures.money(row.cost, row.unpriced)),
        words.actions(row.signals),
        words.joined(row.agents),
        Text(figures.count(row.observations)),
        Text(figures.count(row.tokens) if row.tokens else figures.UNKNOWN),
        words.word(row.tenant_id),
        words.joined(row.models),
        words.prose(row.output_preview, "dim"),
    )


def signals_table(rows: Sequence[SignalRow]) -> Fitted:
    """One line a signal: who decided what, how sure they were, and in which trace."""
    columns = (
        Column("AT", rank=6),
        Column("AGENT", rank=8, shrinks_to=10),
        Column("SIGNAL", rank=10, shrinks_to=8),
        Column("CONFIDENCE", rank=7, align="right"),
        Column("SYMBOL", rank=9, shrinks_to=6),
        Column("TRACE", rank=5),
        Column("OBSERVATION", rank=1),
    )

    def build(options: ConsoleOptions) -> Grid:
        return Grid(columns, [_signal_row(row, options.is_terminal) for row in rows])

    return Fitted(build)


def _signal_row(row: SignalRow, is_terminal: bool) -> Row:
    makes_sense = row.confidence is None or row.percent is not None
    confidence = figures.number(row.confidence) + ("" if makes_sense else " ?")
    return (
        words.started(row.at_ns, is_terminal=is_terminal),
        words.word(row.agent or figures.UNKNOWN),
        words.action(row.action),
        words.word(confidence, "" if makes_sense else "yellow"),
        words.word(row.symbol or figures.UNKNOWN, "bold"),
        words.identifier(row.trace_id, is_terminal=is_terminal),
        words.identifier(row.id, is_terminal=is_terminal),
    )


def matches_table(matches: Sequence[Match]) -> Fitted:
    """One line an observation that a search found, the words that matched in colour."""
    columns = (
        Column("STARTED", rank=5),
        Column("TRACE", rank=10),
        Column("NAME", rank=8, shrinks_to=10),
        Column("TYPE", rank=2),
        Column("AGENT", rank=3, shrinks_to=8),
        Column("IN", rank=4, shrinks_to=6),
        Column("TEXT", rank=9, shrinks_to=20),
    )

    def build(options: ConsoleOptions) -> Grid:
        return Grid(columns, [_match_row(match, options.is_terminal) for match in matches])

    return Fitted(build)


def _match_row(match: Match, is_terminal: bool) -> Row:
    found = match.observation
    return (
        words.started(found.start_ns, is_terminal=is_terminal),
        words.identifier(found.trace_id, is_terminal=is_terminal),
        words.word(found.name, "bold"),
        words.word(found.type),
        words.word(found.agent_id or found.agent_name),
        words.word(match.field, "dim"),
        marked(match.snippet, match.marks),
    )


def marked(snippet: str, marks: Sequence[tuple[int, int]]) -> Text:
    """A snippet with the words that matched in colour."""
    line, position = Text(), 0
    for start, end in sorted(marks):
        line.append_text(_piece(snippet[position:start]))
        line.append_text(_piece(snippet[max(start, position) : end], "bold yellow"))
        position = max(position, end)
    return Text.assemble(line, _piece(snippet[position:]))


def _piece(text: str, style: str = "") -> Text:
    # Not `one_line`, which would take the blanks between the pieces away.
    return words.word(text.replace("\n", " ").replace("\t", " "), style)
