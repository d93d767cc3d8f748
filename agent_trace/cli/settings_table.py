"""Settings as rows for people and programs, with nothing in them that is nobody's business."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from agent_trace.cli import figures, words
from agent_trace.cli.grid import Column, Grid
from agent_trace.settings import Settings
from agent_trace.settings_table import TABLE, Setting

_URL_PASSWORD: Final = re.compile(r"(//)[^/@\s]+@")


def rows(found: Settings) -> list[dict[str, Any]]:
    """Name, value, origin, variables and meaning of each setting, in the order of the table."""
    return [
        {
            "name": setting.name,
            "value": _value(setting, getattr(found, setting.name)),
            "origin": found.origin(setting.name),
            "variables": list(setting.variables),
            "meaning": setting.meaning,
        }
        for setting in TABLE
    ]


def _value(setting: Setting, value: object) -> object:
    if setting.secret:
        return None if value is None else "(hidden)"
    if isinstance(value, str):
        return _URL_PASSWORD.sub(r"\1(hidden)@", value)
    return str(value) if isinstance(value, Path) else value


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
        words.word(_shown(row["name"], row["value"]), "cyan" if was_set else ""),
        words.word(row["origin"], "" if was_set else "dim"),
        words.word(row["variables"][0], "dim"),
        words.word(row["meaning"], "dim"),
    )


def _shown(name: str, value: object) -> str:
    if value in (None, (), {}):
        return figures.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_bytes"):
        return figures.size(value)
    return ", ".join(value) if isinstance(value, (tuple, dict)) else str(value)
