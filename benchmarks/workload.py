"""The call that everything is measured on: a chat of 3.3 KB in, 1.2 KB out, in the words people write.

As in a real conversation, what was said before is sent again with every call (2.7 KB, in new messages of the same
words), while the last question (0.6 KB) and the answer have never been seen.
"""

import itertools
from collections import deque
from typing import Any

_PROSE = (
    "We weigh momentum against volatility before each decision. AAPL closed at 187.44 after 186.20 and 183.91, on a "
    "volume of 51.2M; a drawdown over 3% means that we cut. Explain your reasoning in two sentences, then answer in "
    'JSON: {"action": "BUY", "confidence": 0.7}. '
)
_numbers = itertools.count()
_answers: deque[str] = deque()
"""One waiting for each conversation that was made, so that making it costs the call nothing."""


def text(characters: int, number: int = 0) -> str:
    """So many characters of prose, different for each number."""
    beginning = f"Call {number}: "
    return (beginning + _PROSE * (characters // len(_PROSE) + 1))[:characters]


_SYSTEM, _QUESTION, _ANSWER = text(800), text(1200), text(700)


def _expect(calls: int) -> None:
    _answers.extend(text(1200, number) for number in itertools.islice(_numbers, calls))


def conversations(count: int) -> list[list[dict[str, Any]]]:
    """So many lists of messages, each with a last question that was never asked."""
    _expect(count)
    return [
        [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": _QUESTION},
            {"role": "assistant", "content": _ANSWER},
            {"role": "user", "content": text(600, number)},
        ]
        for number in itertools.islice(_numbers, count)
    ]


def large_conversations(count: int) -> list[list[dict[str, Any]]]:
    """So many lists of 200 KB of messages that were never sent."""
    _expect(count)
    return [
        [{"role": "user", "content": text(2_000, number)} for number in itertools.islice(_numbers, 100)]
        for _ in range(count)
    ]


def answer(messages: list[dict[str, Any]], model: str = "gpt-4o", temperature: float = 0.2) -> str:
    """The call itself, which takes next to no time."""
    return _answers.popleft()


async def answer_async(
    messages: list[dict[str, Any]], model: str = "gpt-4o", temperature: float = 0.2
) -> str:
    """The same call, as a coroutine."""
    return _answers.popleft()
