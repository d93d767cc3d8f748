"""The time axis of a trace: where on it an observation lies, in percent, and which times are written along it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from agent_trace.display import figures

_S: Final = 1_000_000_000
_LONG_STEPS_S: Final = (15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400)
_MOST_STEPS: Final = 5
_LAST_LABEL_PERCENT: Final = 75.0
"""Further right, a label would be cut off."""


class Tick(NamedTuple):
    """One time along the axis; an empty label where there is no room for it."""

    percent: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first start of a trace to its last end, in nanoseconds since the epoch."""

    first_ns: int
    last_ns: int

    @property
    def span_ns(self) -> int:
        """Its length; never 0."""
        return max(self.last_ns - self.first_ns, 1)

    def place(self, start_ns: int, end_ns: int | None) -> tuple[float, float]:
        """Where a bar begins and how long it is, in percent of the axis; without an end it reaches to the axis's."""
        begin = _percent(start_ns - self.first_ns, self.span_ns)
        end = _percent((self.last_ns if end_ns is None else end_ns) - self.first_ns, self.span_ns)
        return begin, round(max(end - begin, 0.0), 3)

    def ticks(self) -> list[Tick]:
        """Round times along the axis, the start among them."""
        step_ns = _step_ns(self.span_ns)
        found = []
        for at_ns in range(0, self.span_ns + 1, step_ns):
            percent = _percent(at_ns, self.span_ns)
            label = figures.duration(at_ns) if at_ns else "0"
            found.append(Tick(percent, label if percent <= _LAST_LABEL_PERCENT else ""))
        return found


def _percent(part_ns: int, span_ns: int) -> float:
    return round(min(max(part_ns / span_ns, 0.0), 1.0) * 100, 3)


def _step_ns(span_ns: int) -> int:
    """The smallest round step that goes into the span no more than a few times."""
    least = span_ns / _MOST_STEPS
    if least > 10 * _S:
        for step_s in _LONG_STEPS_S:
            if step_s * _S >= least:
                return step_s * _S
        return -(-int(least) // (86_400 * _S)) * 86_400 * _S
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor >= least:
                return step * factor
        step *= 10
