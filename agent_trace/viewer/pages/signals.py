"""Signals: what agents decided, how sure they were and why, the newest first; and all that over time."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, get_args

from agent_trace.display.figures import number
from agent_trace.display.visible import one_line
from agent_trace.errors import StoreError
from agent_trace.store.answers import SignalRow
from agent_trace.store.store import Store
from agent_trace.viewer.cursors import cursor, key_of
from agent_trace.viewer.narrowing import chosen, narrowed
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import Content, Page, Question
from agent_trace.viewer.signals_chart import Height, signals_chart

_ROWS: Final = 50
_DRAWN: Final = 250
_PARTS: Final = ("since", "until", "signal", "agent", "tenant", "model", "session")
_HEIGHTS: Final[tuple[Height, ...]] = get_args(Height)


def content(question: Question) -> Content:
    """Signals that fit; `older` is the `before` of the page after this one.

    The chart goes further back than the rows, up to 250 signals. `height`: what the height of its points says.
    """
    where, typed = narrowed(question.query, _PARTS)
    height: Any = chosen(question.query, "height", _HEIGHTS)
    before = key_of(question.query.get("before"))
    found = question.store.signals(where, limit=_DRAWN, before_key=before, newest_first=True)
    shown = _first_page(found)
    more = len(found) > len(shown)
    return {
        "signals": [_told(question.store, row) for row in shown],
        "chart": signals_chart(found, height),
        "drawn": len(found),
        "height": height,
        "heights": _HEIGHTS,
        "older": cursor(shown[-1].at_ns, shown[-1].id) if more else None,
        "newest": before is None,
        "filter": typed,
        "filters": _PARTS,
        "names": names_of(question.store),
    }


def _first_page(found: list[SignalRow]) -> list[SignalRow]:
    """As many as are shown at once. What one observation gave at one moment has one key, and stays together."""
    last = found[:_ROWS][-1:]
    together = (each for each in found[_ROWS:] if (each.at_ns, each.id) == (last[0].at_ns, last[0].id))
    return [*found[:_ROWS], *together]


def _told(store: Store, row: SignalRow) -> dict[str, Any]:
    """A row with what only its record says: the scale of its confidence, and the first line of its reasoning."""
    given = _signal_of(store, row)
    reasoning = str(given.get("reasoning") or "").strip()
    return {
        **asdict(row),
        "shown_confidence": number(row.confidence),
        "scale": given.get("confidence_scale"),
        "reasoning": one_line(reasoning.partition("\n")[0]),
    }


def _signal_of(store: Store, row: SignalRow) -> Mapping[str, Any]:
    try:
        signal = store.observation(row.id, refresh=False).signal
    except StoreError:  # its segment is gone, or another trace has an observation of that id
        return {}
    given = list(_all_of(signal))
    for each in given:
        if len(given) == 1 or (
            str(each.get("action", "")) == row.action and each.get("confidence") == row.confidence
        ):
            return each
    return {}


def _all_of(signal: Any) -> Iterable[Mapping[str, Any]]:
    """The last signal of an observation and those before it."""
    if isinstance(signal, dict):
        earlier = signal.get("earlier")
        yield signal
        yield from (each for each in (earlier if isinstance(earlier, list) else []) if isinstance(each, dict))


PAGE = Page("signals", "/signals", "signals.html", content, title="Signals", charts=True)
