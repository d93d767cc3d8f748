"""Who answers for the tokens of a call whose observation is written only after the function around it has returned.

A decorated function that returns the model's answer reads usage from it, unless a call inside has reported the same
tokens already. LiteLLM reports in a thread of its own, later. So a call claims them for itself as it begins, and gives
them up again when it fails: what the function gets elsewhere then is its own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from agent_trace.recording.span import Span

_lock: Final = threading.Lock()
_claims: Final[WeakKeyDictionary[Span, int]] = WeakKeyDictionary()
"""How many calls hold the tokens of each span that counted its own before."""


def claim(innermost: Span | None) -> list[Span]:
    """Have the spans from this one upwards leave tokens to us; those that it changed, for `release`."""
    claimed = []
    with _lock:
        span = innermost
        while span is not None:
            if not span.has_inner_usage or span in _claims:
                span.has_inner_usage = True
                _claims[span] = _claims.get(span, 0) + 1
                claimed.append(span)
            span = span.parent
    return claimed


def release(claimed: list[Span]) -> None:
    """Give claims up. A span that nobody else has a claim on counts for itself again."""
    with _lock:
        for span in claimed:
            left = _claims.pop(span, 1) - 1
            if left > 0:
                _claims[span] = left
            else:
                span.has_inner_usage = False
    claimed.clear()
