"""Which traces are sent when not all shall be: by a share of their ids, and always those that matter.

Decided by the trace id alone, so that every process, and every other OpenTelemetry library, decides the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

_LOWER_DIGITS: Final = 16
_ALL: Final = 1 << 64
_NANO: Final = 1_000_000_000
_NEVER_NS: Final = (1 << 63) - 1
_MOST_NANODOLLARS: Final = 1 << 50
"""A million dollars: sums of some thousand of them stay within what SQLite holds."""


class Total(NamedTuple):
    """What a trace has come to: its first start, its last end, and its cost in billionths of a US dollar."""

    start_ns: int = _NEVER_NS
    end_ns: int = 0
    nanodollars: int = 0

    def plus(self, other: "Total") -> "Total":
        """Both together."""
        return Total(
            min(self.start_ns, other.start_ns),
            max(self.end_ns, other.end_ns),
            self.nanodollars + other.nanodollars,
        )


@dataclass(frozen=True, slots=True)
class Sampling:
    """`rate` from 0 to 1 is the share of traces that are sent whatever is in them.

    Traces with an error or a signal always go, and so do those that take at least `slow_s` seconds from the first
    start to the last end, or cost at least `expensive` US dollars together.
    """

    rate: float = 1.0
    slow_s: float | None = None
    expensive: Decimal | None = None

    @property
    def sends_all(self) -> bool:
        """Whether there is nothing to decide."""
        return self.rate >= 1.0

    def is_in(self, trace_id: str) -> bool:
        """Whether a trace (32 hex digits) is in the share: as `TraceIdRatioBased` of OpenTelemetry has it.

        What is no trace id is in: it is not for sampling to lose it.
        """
        try:
            return int(trace_id[-_LOWER_DIGITS:], 16) < round(self.rate * _ALL)
        except ValueError:
            return True

    @property
    def adds_up(self) -> bool:
        """Whether it matters what a trace takes and costs."""
        return self.slow_s is not None or self.expensive is not None

    def matters(self, record: Mapping[str, Any]) -> bool:
        """Whether a record, an observation or an amendment, brings its trace with it, whatever else is in it."""
        return bool(record.get("level") == "ERROR" or record.get("error") or record.get("signal"))

    def is_much(self, total: Total) -> bool:
        """Whether a trace goes for what it takes or costs."""
        return bool(
            (self.slow_s is not None and total.end_ns - total.start_ns >= self.slow_s * 1e9)
            or (self.expensive is not None and total.nanodollars >= self.expensive * _NANO)
        )


def total_of(record: Mapping[str, Any]) -> Total:
    """What one observation takes and costs; nothing of what it does not say."""
    start_ns, end_ns = record.get("start_ns"), record.get("end_ns")
    cost = min(max(round(_cost(record) * _NANO), 0), _MOST_NANODOLLARS)
    if type(start_ns) is type(end_ns) is int and 0 <= start_ns <= end_ns < _NEVER_NS:
        return Total(start_ns, end_ns, cost)
    return Total(nanodollars=cost)


def _cost(record: Mapping[str, Any]) -> Decimal:
    """US dollars; 0 when nobody knows."""
    if not record.get("cost") and not record.get("usage"):
        return Decimal(0)
    # Knowing prices takes a table of some megabytes, which only this question needs.
    from agent_trace.costs.prices import price, recorded_cost

    known = recorded_cost(record.get("cost"))
    model, usage, at_ns = record.get("model"), record.get("usage"), record.get("start_ns")
    if known is None and isinstance(model, str) and isinstance(usage, dict) and isinstance(at_ns, int):
        counts = {key: count for key, count in usage.items() if isinstance(count, int)}
        known = price(model, counts, at_ns)
    return Decimal(0) if known is None or known.currency != "USD" else known.total
