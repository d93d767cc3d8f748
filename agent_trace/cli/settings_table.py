"""Settings as a table for people."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.grid import Column, Grid
from agent_trace.reporting import settings_told


def settings_table(rows: Sequence[dict[str, Any]]) -> Grid:
    """One line a setting; those that somebody set stand out."""
    columns = (
        Column("SETTING", rank=10),
        Column("VALUE", rank=10, shrinks_to=16),
        Column("FROM", rank=8, shrinks_to=10),
        Column("VARIABLE", rank=4),
        Column("MEANING", rank=2, shrinks_to=60),
    )
    return Grid(columns, [_line(row) for row in rows])


def _line(row: dict[str, Any]) -> tuple[Text, ...]:
    was_set = row["origin"] != "default"
    return (
        words.word(row["name"], "bold" if was_set else ""),
        words.word(settings_told.shown(row["name"], row["value"]), "cyan" if was_set else ""),
        words.word(row["origin"], "" if was_set else "dim"),
        words.word(row["variables"][0], "dim"),
        words.word(row["meaning"], "dim"),
    )
