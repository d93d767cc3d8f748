"""Whether a consumer has a trace, as far as the delivery state tells without reading the journal."""

from pathlib import Path
from typing import Final

from agent_trace.delivery.standing.state import DeliveryState

_ASKED: Final = """
SELECT 1 FROM consumers AS c
WHERE c.name = ? AND c.since_ns <= ? AND c.accepted_at_ns >= ?
AND NOT EXISTS (SELECT 1 FROM held AS h WHERE h.consumer = c.name AND h.trace_id = ?)
"""


def has_accepted(directory: Path, consumer: str, trace_id: str, start_ns: int, end_ns: int) -> bool:
    """Whether a consumer that wants the trace has accepted something since it ended, and holds nothing of it back.

    Times are nanoseconds since the epoch. A trace that the backend refused for good, in part or whole, is not told
    apart. Raises sqlite3.Error, StoreTooNew, OSError.
    """
    state = DeliveryState(directory, create=False)
    if not state.path.exists():
        return False
    try:
        return state.connection.execute(_ASKED, (consumer, start_ns, end_ns, trace_id)).fetchone() is not None
    finally:
        state.close()
