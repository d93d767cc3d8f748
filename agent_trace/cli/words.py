"""Recorded text as styled pieces: what colour a status or an action has is decided here, and nowhere else."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.text import Text

from agent_trace.display import figures
from agent_trace.display.actions import direction
from agent_trace.display.visible import one_line, visible
from agent_trace.store.answers import Score

STATUS_STYLES: Final = {
    "ok": "green",
    "error": "bold red",
    "running": "cyan",
    "interrupted": "yellow",
    "finished": "",
}

_DIRECTION_STYLES: Final = {"buy": "green", "sell": "red", "hold": "yellow", "other": "magenta"}
_SIGNAL_PARTS: Final = frozenset(
    {"action", "confidence", "confidence_scale", "confidence_percent", "symbol", "reasoning", "earlier"}
)


def word(text: object, style: str = "") -> Text:
    """Foreign text in one line, with nothing in it that a terminal or rich would act on."""
    return Text("" if text is None else visible(text), style)


def prose(text: object, style: str = "") -> Text:
    """Foreign text of any length as one line: blanks and line ends run together."""
    return Text("" if text is None else one_line(text), style)


def status(name: str) -> Text:
    """`ok`, `error`, `running` or `interrupted` in its colour."""
    return word(name, STATUS_STYLES.get(name, ""))


def identifier(full_id: str, *, is_terminal: bool) -> Text:
    """An id: its start for eyes, all of it for programs."""
    return word(full_id[:8] if is_terminal else full_id, "cyan")


def started(nanoseconds: int, *, is_terminal: bool) -> Text:
    """A time: short for eyes, with date and zone for programs."""
    return Text(figures.moment(nanoseconds) if is_terminal else figures.full_moment(nanoseconds))


def joined(words: Iterable[object]) -> Text:
    """Names after one another."""
    return word(", ".join(str(each) for each in words))


def action(name: str) -> Text:
    """What an agent decided to do, in the colour of its direction."""
    return word(name, _DIRECTION_STYLES[direction(name)])


def actions(names: Iterable[str]) -> Text:
    """`BUY HOLD ×2` in the order they were first given."""
    counted = Counter(names)
    pieces = []
    for name, times in counted.items():
        pieces.append(Text.assemble(action(name), (f" ×{times}" if times > 1 else "", "dim")))
    return Text(" ").join(pieces)


def confidence(signal: Mapping[str, Any]) -> Text:
    """A confidence as it was given, marked when it makes no sense on any scale."""
    given = signal.get("confidence")
    if given is None:
        return Text()
    nonsense = signal.get("confidence_scale") == "nonsense"
    return word(f"{figures.number(given)}{' out of any scale' if nonsense else ''}", "yellow")


def signal(given: Mapping[str, Any]) -> Text:
    """`BUY 0.82 AAPL, order=17  because …`."""
    pieces = [
        action(str(given.get("action") or figures.UNKNOWN)),
        confidence(given),
        word(given.get("symbol"), "bold"),
    ]
    line = Text(" ").join(piece for piece in pieces if piece)
    for name, value in given.items():
        if name not in _SIGNAL_PARTS and value is not None:
            line.append_text(Text.assemble(" ", (f"{visible(name)}=", "dim"), prose(value)))
    if given.get("reasoning"):
        line.append_text(Text.assemble("  ", prose(given["reasoning"], "italic")))
    return line


def score(given: Score) -> Text:
    """`helpful 0.75  because …`."""
    told = str(given.value).lower() if isinstance(given.value, bool) else figures.number(given.value)
    line = Text.assemble(word(given.name), " ", word(told, "bold"))
    if given.comment:
        line.append_text(Text.assemble("  ", prose(given.comment, "italic")))
    return line


def error(found: Mapping[str, Any]) -> Text:
    """`ValueError: what it said (attempt=2)`."""
    parts = [word(found.get("type") or "error", "bold red")]
    if found.get("message"):
        parts += [Text(": ", "red"), prose(found["message"], "red")]
    if found.get("context"):
        parts += [Text("  "), prose(_pairs(found["context"]), "dim")]
    return Text.assemble(*parts)


def _pairs(context: object) -> str:
    if not isinstance(context, Mapping):
        return str(context)
    return ", ".join(f"{name}={value}" for name, value in context.items() if value not in (None, ""))
