"""Writes docs/settings.md from the settings table: `python docs/make_settings.py`."""

from pathlib import Path
from typing import Any, Final

from agent_trace.settings_table import TABLE, Setting

PAGE: Final = Path(__file__).with_name("settings.md")

# What people write for a value, by the function that reads it.
_SPELLINGS: Final = {
    "boolean": "`true` or `false`",
    "size": "bytes, `512KiB`, `8MiB`, `5GiB`",
    "count": "a whole number",
    "seconds": "seconds",
    "days": "days",
    "share": "a number from 0 to 1",
    "amount": "an amount of money",
    "names": "names with commas between them",
    "patterns": "`name = pattern`, one a line",
    "pairs": "`name=value` with commas between them, URL-encoded",
    "headers": "`name=value` with commas between them, URL-encoded",
    "compression": "`gzip` or `none`",
    "directory": "a directory",
    "url": "a URL",
    "table": "a TOML or JSON file, or JSON",
    "str": "text",
}

_HEAD: Final = """\
# Settings

<!-- Made from the table in agent_trace/settings_table.py by docs/make_settings.py. Change the table, not this page. -->

Every setting has a default; most programs set none. `agent-trace settings` prints each value in force and where it
came from.

## Where a value comes from

The first place that has a usable value wins:

1. an argument in code: `LangFuseTracker(max_depth=8)`
2. the environment: `AGENT_TRACE_MAX_DEPTH=8`
3. `.env` at the project's root (read, not exported: your program's environment stays as it is)
4. `[tool.agent_trace]` in `pyproject.toml`, or `[agent_trace]` in `setup.cfg`: `max_depth = 8`
5. the default

The project's root is the nearest directory upwards, from where the program was started, that has `.agent_trace`,
`pyproject.toml`, `setup.cfg` or `.git`. Where two variables stand in a row, the first that is set counts.

A value that cannot be used, or a misspelt name, never stops a program: it is named on stderr and in
`agent-trace status`, and the next place counts. Only an argument in code raises `SettingError`.

## All settings

| setting | variable | value | default | what it does |
|---|---|---|---|---|
"""

_TAIL: Final = """
## In files

```toml
# pyproject.toml
[tool.agent_trace]
max_field_bytes = "256KiB"
redact_off = ["jwt"]

[tool.agent_trace.redact_rules]
account = "ACC-[0-9]{8}"
```

```ini
# setup.cfg
[agent_trace]
max_field_bytes = 256KiB
redact_off = jwt
redact_rules =
    account = ACC-[0-9]{8}
```

## In code

```python
from agent_trace import LangFuseTracker

tracker = LangFuseTracker(max_field_bytes="256KiB", redact_rules={"account": "ACC-[0-9]{8}"})
print(tracker.settings.max_field_bytes, tracker.settings.origin("max_field_bytes"))
```

<!-- prints -->
```text
262144 argument
```

Make it where your program starts. A later call with arguments begins anew, with these arguments and no earlier ones.

## No setting

`AGENT_TRACE_COMPILED=0` runs in Python what was [compiled at installation](getting-started.md#install). Only the environment can
say it: the choice falls when the package is imported, before any file is read.

## What is not promised

- Settings are read once, when the first traced call runs. A variable that changes later changes nothing;
  `agent-trace off` and `on` do.
- Secrets are hidden in `agent-trace settings` and in messages. Your process still has them in its environment.
- Only OTLP over HTTP with protobuf is spoken. `otlp_protocol` says otherwise in many environments that were made for
  gRPC; then nothing is delivered there, and a problem says what to set.
"""


def page() -> str:
    """The text that docs/settings.md has to have."""
    return _HEAD + "".join(_row(setting) for setting in TABLE) + _TAIL


def _row(setting: Setting) -> str:
    variables = "<br>".join(f"`{variable}`" for variable in setting.variables)
    value = _SPELLINGS[setting.read.__name__]
    cells = (f"`{setting.name}`", variables, value, _default(setting), setting.meaning)
    return f"| {' | '.join(cells)} |\n"


def _default(setting: Setting) -> str:
    value: Any = setting.default
    if value in (None, (), {}):
        return "none"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if setting.read.__name__ == "size":
        return f"`{_size(value)}`"
    return f"`{value}`"


def _size(size_bytes: int) -> str:
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size_bytes % (1 << shift) == 0:
            return f"{size_bytes >> shift}{unit}"
    return str(size_bytes)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
