"""What an open store answered lately, for as long as nothing changed in its index: who asks again need not wait again."""

from collections.abc import Callable, Hashable
from typing import Final, TypeVar, cast

Answer = TypeVar("Answer")

_MOST: Final = 32
"""Answers may be large: a trace of ten thousand observations takes some megabytes."""


class Recalled:
    """Answers by question. Those to what is asked again and again stay, however much else is asked in between."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._version: Hashable = None
        self._answers: dict[Hashable, object] = {}

    def get(self, version: Hashable, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        """What `answer` gave for this question at this version of the index; for a new one, what it gives now."""
        if version != self._version:
            self._version = version
            self._answers.clear()
        found = self._answers.pop(question) if question in self._answers else answer()
        self._answers[question] = found
        if len(self._answers) > self._most:
            del self._answers[next(iter(self._answers))]
        return cast(Answer, found)
