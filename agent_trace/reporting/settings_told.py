"""Settings as rows: name, value, origin and meaning, with nothing in them that is nobody's business."""

import re
from pathlib import Path
from typing import Any, Final

from agent_trace.display import figures
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
        return "(hidden)" if value else None
    if isinstance(value, str):
        return _URL_PASSWORD.sub(r"\1(hidden)@", value)
    return str(value) if isinstance(value, Path) else value


def shown(name: str, value: object) -> str:
    """A value as people read it: `yes`, `8 MiB`, `a, b`; a dash for none."""
    if value in (None, (), {}):
        return figures.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_bytes"):
        return figures.size(value)
    return ", ".join(value) if isinstance(value, (tuple, dict)) else str(value)
