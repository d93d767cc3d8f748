"""What was spent over time, as bars: one a day, or a week or a month where there are many, in layers by name."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from agent_trace.display import figures
from agent_trace.reporting import sums
from agent_trace.store.answers import CostRow
from agent_trace.viewer.charts import COLOURS, REST, Chart, Figure, Sign, plain, short

_FEWEST_DAYS: Final = 14
"""Shown in any case: one bar as wide as the page says nothing of time."""
_A_DAY_MS: Final = 86_400_000
_NOTHING: Final = Decimal(0)


class _Span(NamedTuple):
    """What one bar stands for. `begin`: from any day to the one that its bar stands at."""

    name: str
    days: int
    begin: Callable[[date], date]


_SPANS: Final = (
    (120, _Span("day", 1, lambda day: day)),
    (800, _Span("week", 7, lambda day: day - timedelta(days=min(day.weekday(), day.toordinal() - 1)))),
    (date.max.toordinal(), _Span("month", 30, lambda day: day.replace(day=1))),
)
"""For up to so many days."""

_Layer = Mapping[str, Decimal]
"""US dollars by the first day of a span."""


def spending_chart(rows: Sequence[CostRow], by: str) -> Chart | None:
    """The chart of rows by (day, name); None when there is nothing to draw."""
    if not rows:
        return None
    days = [date.fromisoformat(row.keys[0]) for row in rows]
    first, last = min(days), max(days)
    span = next(span for most, span in _SPANS if (last - first).days < most)
    whole = sums.total_of(rows)
    label = (
        f"Cost by {span.name} from {first} to {last} (UTC) in layers by {by}, "
        f"{figures.money(whole.total, whole.unpriced)} in all. The tables of this page have the figures."
    )
    layers = _layers(rows, span)
    signs = _signs([name for name, _ in layers], by)
    drawn = [_bars(sign, layer, span) for sign, (_, layer) in zip(signs, layers, strict=True)]
    unpriced = _unpriced(rows, span)
    if unpriced:
        drawn.append(_marks(unpriced, layers))
    return Chart(label, {"data": drawn, "layout": _layout(span.begin(first), last, span)}, signs)


def _layers(rows: Sequence[CostRow], span: _Span) -> list[tuple[str | None, _Layer]]:
    """What the most expensive names spent, and then all others, whose name is None."""
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        spent[row.keys[1]] += row.total or _NOTHING
    ordered = sorted(spent, key=lambda name: (-spent[name], name))
    own = ordered if len(ordered) <= len(COLOURS) else ordered[: len(COLOURS)]
    layers: dict[str | None, defaultdict[str, Decimal]] = {name: defaultdict(Decimal) for name in own}
    for row in rows:
        layer = layers.setdefault(row.keys[1] if row.keys[1] in layers else None, defaultdict(Decimal))
        if row.total is not None:
            layer[_first_day(row, span)] += row.total
    return list(layers.items())


def _signs(names: Sequence[str | None], by: str) -> list[Sign]:
    return [
        Sign("all others", REST) if name is None else Sign(short(name) or f"(no {by})", COLOURS[place])
        for place, name in enumerate(names)
    ]


def _bars(sign: Sign, layer: _Layer, span: _Span) -> Figure:
    days = sorted(layer)
    return {
        "type": "bar",
        "name": plain(sign.name),
        "meta": {"colour": sign.colour},
        "x": days,
        "y": [float(layer[day]) for day in days],
        "width": int(span.days * _A_DAY_MS * 0.8),
        "customdata": [figures.money(layer[day]) for day in days],
        "hovertemplate": "%{customdata}",
    }


def _unpriced(rows: Sequence[CostRow], span: _Span) -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in rows:
        if row.unpriced:
            counted[_first_day(row, span)] += row.unpriced
    return counted


def _marks(unpriced: Counter[str], layers: Sequence[tuple[str | None, _Layer]]) -> Figure:
    """A question mark on top of every bar that is without some calls: an unknown price is not 0."""
    days = sorted(unpriced)
    return {
        "type": "scatter",
        "mode": "markers+text",
        "marker": {"opacity": 0},
        "name": "no known price",
        "meta": {"colour": "ink"},
        "x": days,
        "y": [float(sum((layer.get(day, _NOTHING) for _, layer in layers), _NOTHING)) for day in days],
        "text": ["?"] * len(days),
        "textposition": "top center",
        "cliponaxis": False,
        "customdata": [figures.plural(unpriced[day], "call") for day in days],
        "hovertemplate": "%{customdata}",
    }


def _first_day(row: CostRow, span: _Span) -> str:
    return span.begin(date.fromisoformat(row.keys[0])).isoformat()


def _layout(first: date, last: date, span: _Span) -> dict[str, Any]:
    shown = max((last - first).days + span.days, _FEWEST_DAYS)
    begin = first if shown > _FEWEST_DAYS else _before(last, _FEWEST_DAYS - 1)
    axis: dict[str, Any] = {
        "type": "date",
        "range": [f"{_before(begin, max(span.days // 2, 1))}T12:00", f"{last}T12:00"],
        "hoverformat": "%b %-d, %Y" if span.name == "day" else f"{span.name} from %b %-d, %Y",
    }
    if shown <= _FEWEST_DAYS:
        axis |= {"dtick": 2 * _A_DAY_MS, "tickformat": "%b %-d"}
    return {
        "barmode": "stack",
        "hovermode": "x unified",
        "xaxis": axis,
        "yaxis": {"tickprefix": "$", "rangemode": "tozero", "exponentformat": "none"},
    }


def _before(day: date, days: int) -> date:
    return date.fromordinal(max(day.toordinal() - days, 1))
