"""What attachments want with the calls of one function: to observe them, or to attach what they make."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, cast

from agent_trace.instrumentation.agents import agent_metadata, agent_scope, model_metadata, model_parameters
from agent_trace.instrumentation.subjects import CallOn, Continuation, running_call
from agent_trace.recording.calls import Unawaited, begins_later, named_like, wrapper_for
from agent_trace.recording.capturing.attributes import PerClass, class_line
from agent_trace.recording.recorder import READ_TYPES
from agent_trace.recording.target import Target

if TYPE_CHECKING:
    from agent_trace.instrumentation.options import Options
    from agent_trace.observation import ObservationType
    from agent_trace.recording.span import Span

_ONE_CALL: Final = READ_TYPES | {"agent"}
"""Types whose methods call one another without its being another call: `chat` asks `generate`, `run` asks `invoke`."""


class Claim(ABC):
    """One attachment's interest in the calls of one function. `only`: those on instances of that class."""

    __slots__ = ("_fits", "only", "owner")

    def __init__(self, owner: object, only: type | None) -> None:
        self.owner = owner
        self.only = only
        self._fits: PerClass[bool] | None = None if only is None else PerClass()

    def covers(self, instance: object) -> bool:
        """Whether a call on `instance` is meant."""
        if self._fits is None or instance is None:
            return True
        kind = _kind_of(instance)
        fits = self._fits.get(kind)
        if fits is None:
            fits = self._fits.put(kind, any(each is self.only for each in class_line(kind)))
        return fits

    @abstractmethod
    def call(self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function."""


class Observing(Claim):
    """Every call is an observation, but for those that are a part of one."""

    __slots__ = ("_begins_later", "_call", "_entry_point", "_key", "_method", "_name", "_type", "_with_class")

    def __init__(
        self,
        owner: object,
        only: type | None,
        function: Any,
        method: str,
        kind: type | None,
        options: Options,
    ) -> None:
        super().__init__(owner, only)
        self._type = options.type_for(method, None if kind is None else kind.__name__)
        self._key = self._type if self._type in _ONE_CALL else f"{self._type} {method}"
        self._method = method
        target = Target(
            function,
            name=options.name,
            as_type=cast("ObservationType", self._type),
            capture_input=options.captures_input,
            capture_output=options.captures_output,
        )
        target.about = self._about
        self._name = target.name
        self._entry_point = target.entry_point
        self._with_class = options.name is None
        self._call = wrapper_for(function, target)
        self._begins_later = begins_later(self._call)

    def call(self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function and observe it."""
        if not self._begins_later and self._running(instance) is not None:
            return wrapped(*args, **kwargs)
        return self._call(wrapped, instance, args, kwargs)

    def _about(self, instance: Any) -> CallOn | Continuation:
        outer = self._running(instance)
        if outer is not None:
            continuation = Continuation(outer)
            if isinstance(outer.subject, CallOn):
                outer.subject.continue_in(continuation)
            return continuation
        return CallOn(None, self._key, self._name) if instance is None else self._described(instance)

    def _running(self, instance: Any) -> Span | None:
        if instance is None:
            return None
        return running_call(instance, self._key, self._entry_point)

    def _described(self, instance: Any) -> CallOn:
        name = f"{_kind_of(instance).__name__}.{self._method}" if self._with_class else self._name
        call = CallOn(instance, self._key, name)
        call.begins_later = self._begins_later
        if self._type == "agent":
            call.scope = agent_scope(instance)
            call.metadata = agent_metadata(instance)
        elif self._type in READ_TYPES:
            call.metadata = model_metadata(instance)
            call.parameters = model_parameters(instance)
        return call


class Making(Claim):
    """What a call returns is attached, or its class is; the call itself is not observed."""

    __slots__ = ("_attach",)

    def __init__(self, owner: object, only: type | None, attach: Callable[[Any], None]) -> None:
        super().__init__(owner, only)
        self._attach = attach

    def call(self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function, and return the very object that it makes."""
        made = wrapped(*args, **kwargs)
        if type(made) is CoroutineType:
            return named_like(made, self._await(Unawaited(made)))
        self._attach(made)
        return made

    async def _await(self, unawaited: Unawaited) -> Any:
        made = await unawaited.take()
        self._attach(made)
        return made


def _kind_of(instance: Any) -> type:
    return cast(type, instance) if issubclass(type(instance), type) else type(instance)
