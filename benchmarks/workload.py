"""The call that everything is measured on: a chat of 3.3 KB in, 1.2 KB out, in the words people write.

As in a real conversation, what was said before is sent again with every call (2.7 KB, the same objects), while the last
question (0.6 KB) and the answer are new each time.
"""

import itertools
from typing import Any

_PROSE = (
    "We weigh momentum against volatility before each decision. AAPL closed at 187.44 after 186.20 and 183.91, on a "
    "volume of 51.2M; a drawdown over 3% means that we cut. Explain your reasoning in two sentences, then answer in "
    'JSON: {"action": "BUY", "confidence": 0.7}. '
)
_DIFFERENT = 1_000


def text(characters: int, number: int = 0) -> str:
    """So many characters of prose, different for each number."""
    beginning = f"Call {number}: "
    return (beginning + _PROSE * (characters // len(_PROSE) + 1))[:characters]


_SAID_BEFORE: list[dict[str, Any]] = [
    {"role": "system", "content": text(800)},
    {"role": "user", "content": text(1200)},
    {"role": "assistant", "content": text(700)},
]
CONVERSATIONS = [
    [*_SAID_BEFORE, {"role": "user", "content": text(600, number)}] for number in range(_DIFFERENT)
]
LARGE = [[{"role": "user", "content": text(2_000, number)} for _ in range(100)] for number in range(20)]
"""200 KB of messages."""

_answers = itertools.cycle([text(1200, number) for number in range(_DIFFERENT)])


def answer(messages: list[dict[str, Any]], model: str = "gpt-4o", temperature: float = 0.2) -> str:
    """The call itself, which takes next to no time."""
    return next(_answers)


async def answer_async(
    messages: list[dict[str, Any]], model: str = "gpt-4o", temperature: float = 0.2
) -> str:
    """The same call, as a coroutine."""
    return next(_answers)
