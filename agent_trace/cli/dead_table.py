"""Dead letters as a table: what was refused, by whom, and what the server said to it."""

from collections.abc import Sequence

from rich.console import ConsoleOptions

from agent_trace.cli import words
from agent_trace.cli.grid import Column, Fitted, Grid, Row
from agent_trace.delivery.standing.dead_letters import DeadLetter


def dead_table(letters: Sequence[DeadLetter]) -> Fitted:
    """One line a letter, the oldest first."""
    columns = (
        Column("REFUSED", rank=5),
        Column("BY", rank=6),
        Column("TRACE", rank=4),
        Column("OBSERVATION", rank=10),
        Column("NAME", rank=3, shrinks_to=10),
        Column("STATUS", rank=8, align="right"),
        Column("ANSWER", rank=9, shrinks_to=20),
    )

    def build(options: ConsoleOptions) -> Grid:
        return Grid(columns, [_row(letter, options.is_terminal) for letter in letters])

    return Fitted(build)


def _row(letter: DeadLetter, is_terminal: bool) -> Row:
    return (
        words.started(letter.at_ns, is_terminal=is_terminal),
        words.word(letter.consumer),
        words.identifier(str(letter.record.get("trace_id") or ""), is_terminal=is_terminal),
        words.identifier(letter.id, is_terminal=is_terminal),
        words.word(str(letter.record.get("name") or ""), "bold"),
        words.word(None if letter.status is None else str(letter.status), "yellow"),
        words.word(letter.answer),
    )
