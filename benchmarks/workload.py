"""The call that everything is measured on: a chat of 3.3 KB in, 1.2 KB out, in the words people write."""

from typing import Any

_PROSE = (
    "We weigh momentum against volatility before each decision. AAPL closed at 187.44 after 186.20 and 183.91, on a "
    "volume of 51.2M; a drawdown over 3% means that we cut. Explain your reasoning in two sentences, then answer in "
    'JSON: {"action": "BUY", "confidence": 0.7}. '
)


def text(characters: int) -> str:
    """So many characters of prose."""
    return (_PROSE * (characters // len(_PROSE) + 1))[:characters]


MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": text(800)},
    {"role": "user", "content": text(1200)},
    {"role": "assistant", "content": text(700)},
    {"role": "user", "content": text(600)},
]
ANSWER = text(1200)
LARGE = [{"role": "user", "content": text(2_000)} for _ in range(100)]
"""200 KB of messages."""


def answer(messages: list[dict[str, Any]], model: str = "gpt-4o", temperature: float = 0.2) -> str:
    """The call itself, which takes next to no time."""
    return ANSWER
