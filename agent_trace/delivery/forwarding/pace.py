"""How much one request carries: more while requests are answered quickly, less after one that was not answered."""

from typing import Final

from agent_trace.delivery.backend import Answer

FIRST_BYTES: Final = 256 << 10
MOST_BYTES: Final = 2 << 20
LEAST_BYTES: Final = 16 << 10
QUICK_S: Final = 1.0
SLOW_S: Final = 5.0
_TOO_LARGE: Final = 413


class Pace:
    """Over a slow line, a request that is too large never arrives in time, however often it is tried.

    `most_bytes` is for the next request. A single observation that is larger goes alone.
    """

    def __init__(self) -> None:
        self.most_bytes = FIRST_BYTES
        self._ceiling = MOST_BYTES

    def note(self, sent_bytes: int, took_s: float, answer: Answer) -> None:
        """What became of a request."""
        if answer.status == _TOO_LARGE:
            # The server's limit, which stays what it is.
            self._ceiling = max(sent_bytes // 2, LEAST_BYTES)
            self.most_bytes = min(self.most_bytes, self._ceiling)
        elif answer.status is None or took_s > SLOW_S:
            self.most_bytes = max(min(self.most_bytes, sent_bytes) // 2, LEAST_BYTES)
        elif answer.verdict == "accepted" and took_s < QUICK_S:
            self.most_bytes = min(self.most_bytes * 2, self._ceiling)
