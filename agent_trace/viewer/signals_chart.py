"""Signals over time, as points: the action is form and colour, the height its confidence, its symbol or its agent."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from agent_trace.display import figures
from agent_trace.display.actions import Direction, direction
from agent_trace.store.answers import SignalRow
from agent_trace.viewer.charts import Chart, Figure, Sign, plain, short

Height = Literal["confidence", "symbol", "agent"]
"""What the height of a point says."""

_FORMS: Final[dict[Direction, tuple[str, str]]] = {
    "buy": ("good", "triangle-up"),
    "sell": ("bad", "triangle-down"),
    "hold": ("warn", "square"),
    "other": ("quiet", "diamond"),
}
"""Colour and form. The form alone tells them apart, for who does not see colours."""

_NO_CONFIDENCE: Final = -12
"""Where points stand whose confidence is unknown or makes no sense: below the scale, so that it is none of it."""
_MOST_LANES: Final = 16
_MOST_ACTIONS: Final = 3


def signals_chart(rows: Sequence[SignalRow], height: Height) -> Chart | None:
    """The chart of signals; None without any."""
    if not rows:
        return None
    lanes = _lanes(rows, height)
    going = {each: [row for row in rows if direction(row.action) == each] for each in _FORMS}
    signs = {each: Sign(_name(found), *_FORMS[each]) for each, found in going.items() if found}
    drawn = [_points(sign, going[each], lanes) for each, sign in signs.items()]
    told = ", ".join(f"{len(going[each])} {each}" for each in signs)
    label = (
        f"{figures.plural(len(rows), 'signal')} over time by {height}: {told}. "
        "The table of this page has them one by one."
    )
    return Chart(label, {"data": drawn, "layout": _layout(lanes)}, list(signs.values()))


_Lanes = tuple[Callable[[SignalRow], int], list[str]]
"""The height of a point, and the names of the heights from the bottom up; none for a scale of numbers."""


def _lanes(rows: Sequence[SignalRow], height: Height) -> _Lanes:
    if height == "confidence":
        return (lambda row: _NO_CONFIDENCE if row.percent is None else row.percent), []
    counted = Counter(_lane_of(row, height) for row in rows)
    names = [name for name, _ in counted.most_common(_MOST_LANES)]
    # The most frequent on top, whatever does not fit on a lane of its own at the bottom.
    places = {name: len(names) - place for place, name in enumerate(names)}
    others = ["all others"] if len(counted) > len(names) else [""]
    shown = [plain(name) if name else f"(no {height})" for name in reversed(names)]
    return (lambda row: places.get(_lane_of(row, height), 0)), others + shown


def _lane_of(row: SignalRow, height: Height) -> str:
    return (row.symbol if height == "symbol" else row.agent) or ""


def _points(sign: Sign, rows: Sequence[SignalRow], lanes: _Lanes) -> Figure:
    height_of, names = lanes
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(sign.name, 80),
        "meta": {"colour": sign.colour, "since_epoch": True},
        "marker": {
            "symbol": sign.form,
            "size": [_size(row) for row in rows] if names else 10,
            "opacity": 0.85,
        },
        "x": [row.at_ns // 1_000_000 for row in rows],
        "y": [height_of(row) for row in rows],
        "customdata": [_told(row) for row in rows],
        "hovertemplate": "%{customdata[0]} %{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<br>"
        "%{x|%b %-d, %H:%M:%S}<extra></extra>",
    }


def _name(rows: Sequence[SignalRow]) -> str:
    """`BUY`, `BUY, LONG`: the actions that points of this form stand for."""
    counted = Counter(row.action.strip().upper() for row in rows)
    names = [short(name, 16) or "(empty)" for name, _ in counted.most_common(_MOST_ACTIONS)]
    return ", ".join(names) + (", …" if len(counted) > _MOST_ACTIONS else "")


def _size(row: SignalRow) -> int:
    """In lanes, where the height says something else, more confidence is a larger point."""
    return 8 if row.percent is None else 6 + row.percent // 12


def _told(row: SignalRow) -> list[str]:
    """Action, confidence, symbol and agent as read on the point, and where it stands: trace and observation."""
    return [
        plain(row.action, 40),
        plain(figures.number(row.confidence)),
        plain(row.symbol or "no symbol"),
        plain(row.agent or "no agent"),
        f"{row.trace_id}/{row.id}",
    ]


def _layout(lanes: _Lanes) -> dict[str, Any]:
    names = lanes[1]
    scale: dict[str, Any] = {
        "range": [_NO_CONFIDENCE - 8, 108],
        "tickvals": [_NO_CONFIDENCE, 0, 25, 50, 75, 100],
        "ticktext": ["unknown", "0 %", "25 %", "50 %", "75 %", "100 %"],
        "zeroline": False,
    }
    if names:
        scale = {
            "range": [0.4 if not names[0] else -0.6, len(names) - 0.4],
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "zeroline": False,
            "automargin": True,
        }
    return {"hovermode": "closest", "xaxis": {"type": "date"}, "yaxis": scale}
