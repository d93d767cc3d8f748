"""Where output goes: consoles that know whether a person is looking, and JSON for programs that are."""

import io
import re
import sys
from dataclasses import is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TextIO

from agent_trace.display.visible import visible
from agent_trace.observation import Observation

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_ENDLESS: Final = 1_000_000
"""Columns of something that is not a terminal: nothing is cut for want of room."""

_STEERING: Final = re.compile(r"[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def stdout_console() -> "Console":
    """The console that answers are printed on."""
    return _console(sys.stdout)


def stderr_console() -> "Console":
    """The console for progress, which is not part of any answer."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    # Words in another script than the terminal's are shown as escapes rather than ending the program.
    if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
        stream.reconfigure(errors="backslashreplace")
    plain: dict[str, Any] = {"file": stream, "highlight": False, "markup": False, "emoji": False}
    console = Console(**plain)
    if console.is_terminal and not console.no_color:
        return console
    return Console(**plain, color_system=None, width=console.width if console.is_terminal else _ENDLESS)


def show(renderable: "RenderableType") -> None:
    """Print something of rich's on stdout."""
    stdout_console().print(renderable)


def say(text: str = "") -> None:
    """Print a line of ours on stdout."""
    print(text)


def tell(text: str) -> None:
    """Print a line on stderr that is not part of the answer."""
    print(f"agent-trace: {visible(text, keep=chr(10))}", file=sys.stderr)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is at the other end."""
    return stream.isatty()


def to_json(value: object, *, indent: bool = False) -> bytes:
    """JSON with a line end: observations with every key in its order, money as exact numbers."""
    import orjson

    options = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, default=_as_json, option=options | orjson.OPT_PASSTHROUGH_DATACLASS)


def show_json(value: object, *, indent: bool = True) -> None:
    """Print JSON on stdout."""
    text = to_json(value, indent=indent).decode()
    if is_terminal(sys.stdout):
        text = _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # the same JSON, spelt out
    sys.stdout.write(text)


def _as_json(value: Any) -> Any:
    from orjson import Fragment

    if isinstance(value, Decimal):
        return Fragment(format(value, "f")) if value.is_finite() else None
    if isinstance(value, Observation):
        return value.to_record()
    if is_dataclass(value):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value)
