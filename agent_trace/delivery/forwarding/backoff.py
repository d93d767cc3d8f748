"""How long a consumer waits after a failure, and the clocks that it goes by."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent_trace.delivery.backend import Answer

FIRST_S: Final = 1.0
MOST_S: Final = 60.0
MOST_ASKED_FOR_S: Final = 300.0
"""A server's Retry-After is believed up to here."""
UNAUTHORIZED_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic_s` for waiting, `wall_ns` for what is written down, `share` a random number from 0 to 1."""

    monotonic_s: Callable[[], float] = time.monotonic
    wall_ns: Callable[[], int] = time.time_ns
    share: Callable[[], float] = random.random


class Backoff:
    """When a consumer may try again.

    Full jitter (a random share of a bound that doubles): a thousand processes that lost their server at the same
    moment do not come back at the same moment.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._again_at_s = 0.0
        self._is_asked_for = False
        self.is_unauthorized = False

    @property
    def remaining_s(self) -> float:
        """Seconds to wait from now on; 0 when there is no reason to wait."""
        return max(self._again_at_s - self._clock.monotonic_s(), 0.0)

    def succeed(self) -> None:
        """Something was answered as it should: the next failure is the first again."""
        self._failures, self._again_at_s, self.is_unauthorized = 0, 0.0, False

    def hurry(self) -> None:
        """Do not wait any longer, unless it was the server that asked for it, or credentials are wrong."""
        if not self.is_unauthorized and not self._is_asked_for:
            self._again_at_s = 0.0

    def fail(self, answer: Answer) -> None:
        """Wait as the answer demands, and longer each time."""
        self.is_unauthorized = answer.verdict == "unauthorized"
        self._again_at_s = self._clock.monotonic_s() + self._delay_s(answer)
        self._failures += 1

    def _delay_s(self, answer: Answer) -> float:
        if self.is_unauthorized:
            return UNAUTHORIZED_S
        bound_s = min(FIRST_S * 2.0 ** min(self._failures, 16), MOST_S)
        asked_for_s = min(answer.retry_after_s or 0.0, MOST_ASKED_FOR_S)
        self._is_asked_for = asked_for_s > 0
        return max(bound_s * self._clock.share(), asked_for_s)
