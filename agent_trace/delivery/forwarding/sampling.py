"""Which traces are sent when not all shall be: by a share of their ids, and always those that matter.

Decided by the trace id alone, so that every process, and every other OpenTelemetry library, decides the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

_LOWER_DIGITS: Final = 16
_ALL: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """`rate` from 0 to 1 is the share of traces that are sent whatever is in them.

    Observations with an error or a signal, and those that take at least `slow_s` seconds or cost at least
    `expensive` US dollars, bring their whole trace with them.
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

    def matters(self, record: Mapping[str, Any]) -> bool:
        """Whether a record, an observation or an amendment, brings its trace with it."""
        return bool(
            record.get("level") == "ERROR"
            or record.get("error")
            or record.get("signal")
            or (self.slow_s is not None and self._is_slow(record, self.slow_s))
            or (self.expensive is not None and _cost(record) >= self.expensive)
        )

    @staticmethod
    def _is_slow(record: Mapping[str, Any], slow_s: float) -> bool:
        start_ns, end_ns = record.get("start_ns"), record.get("end_ns")
        return isinstance(start_ns, int) and isinstance(end_ns, int) and end_ns - start_ns >= slow_s * 1e9


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
