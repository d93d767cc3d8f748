"""How calls of an entry point are observed, as `instrument` was told or the names say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from agent_trace.instrumentation.names import FACTORY, is_factory, type_of

Capture = bool | Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Options:
    """`as_type` and `name` are None where the entry point decides."""

    as_type: str | None = None
    name: str | None = None
    capture: Capture = True

    @property
    def captures_input(self) -> bool:
        """Whether arguments are recorded."""
        return self.capture in (True, "input")

    @property
    def captures_output(self) -> bool:
        """Whether results are recorded."""
        return self.capture in (True, "output")

    def typed(self, as_type: str | None) -> Options:
        """The same, with the type that stands in the entry point itself where there is one."""
        return self if as_type is None else replace(self, as_type=as_type)

    def is_factory(self, name: str, owner: str | None) -> bool:
        """Whether a function is called to make something, which is attached, and not to be observed."""
        return self.as_type == FACTORY or (self.as_type is None and is_factory(name, owner))

    def type_for(self, name: str, owner: str | None) -> str:
        """The type of observation that a call is."""
        return self.as_type or type_of(name, owner)

    def for_products(self, factory: str) -> Options:
        """How what a factory makes is observed."""
        return replace(self, as_type="agent" if type_of(factory) == "agent" else None)


def is_capture(given: object) -> bool:
    """Whether `capture` can have that value."""
    return type(given) is bool or given in get_args(get_args(Capture)[1])
