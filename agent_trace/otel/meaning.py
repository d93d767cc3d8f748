"""What a foreign span says, in the words of our record; the conventions beside this module fill it in."""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from agent_trace.recording.reading.parts import text_of
from agent_trace.recording.recorder import NOTHING

Attributes = dict[str, Any]
"""Attributes that nobody has understood so far. Whoever understands one takes it out; the rest becomes metadata."""


@dataclass(slots=True)
class Meaning:
    """Fields of a record, as far as a span tells them. What is found first stays: conventions are asked in order."""

    type: str | None = None
    input: object = NOTHING
    output: object = NOTHING
    model_asked: str | None = None
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    usage: dict[str, int] | None = None
    cost: dict[str, Any] | None = None
    finish_reason: str | None = None
    first_token_ns: int | None = None
    level: str | None = None
    status_message: str | None = None
    scope: dict[str, object] = field(default_factory=dict)
    tags: list[object] = field(default_factory=list)

    def put_type(self, kind: str | None) -> None:
        """What the span is, unless that is known."""
        self.type = self.type or kind

    def put_input(self, value: object) -> None:
        """What went in, unless that is known."""
        if self.input is NOTHING and value is not None:
            self.input = value

    def put_output(self, value: object) -> None:
        """What came out, unless that is known."""
        if self.output is NOTHING and value is not None:
            self.output = value

    def put_model(self, asked: object, answered: object = None) -> None:
        """The model that was asked, and the one that answered."""
        self.model_asked = self.model_asked or text_of(asked)
        self.model = self.model or text_of(answered)

    def put_parameters(self, parameters: dict[str, Any] | None) -> None:
        """Model parameters, unless they are known."""
        self.model_parameters = self.model_parameters or parameters or None

    def put_usage(self, usage: dict[str, int] | None) -> None:
        """Disjoint counts, unless they are known."""
        self.usage = self.usage or usage or None

    def put_cost(self, **parts: object) -> None:
        """US dollars by class of usage; without a total their sum is the total."""
        amounts = {name: part for name, part in parts.items() if _is_amount(part)}
        if self.cost is None and amounts:
            total = amounts.pop("total", None)
            total = sum(amounts.values()) if total is None else total  # type: ignore[arg-type]
            self.cost = {**amounts, "total": total, "currency": "USD", "source": "span"}

    def put_finish_reason(self, reason: object) -> None:
        """Why the model stopped; of several choices, the first one's."""
        if isinstance(reason, list | tuple) and reason:
            reason = reason[0]
        self.finish_reason = self.finish_reason or text_of(reason, 100)

    def put_scope(self, **fields: object) -> None:
        """Scope fields, unless they are known."""
        for name, value in fields.items():
            if value not in (None, ""):
                self.scope.setdefault(name, value)


def _is_amount(found: object) -> bool:
    return type(found) in (int, float) and isfinite(found) and found >= 0  # type: ignore[arg-type, operator]
