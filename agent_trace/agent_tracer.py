"""`AgentTracer`: one execution of an agent for a tenant, as a block, and the handoffs between agents."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import agent_trace.background  # noqa: F401 - what is recorded is delivered, where there is somewhere to deliver it to
from agent_trace.recording import process
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import is_on
from agent_trace.settings import Settings
from agent_trace.settings_table import TABLE

if TYPE_CHECKING:
    from opentelemetry.context.context import Context

    from agent_trace.recording.recorder import Recorder
    from agent_trace.recording.span import Span

Begun = TypeVar("Begun")
Yielded = TypeVar("Yielded", covariant=True)


class AgentTracer:
    """Traces what agents do for tenants.

        tracer = AgentTracer()
        async with tracer.trace_agent_execution("analyst", "acme", session_id="s-17") as execution:
            await analyst.run()
            log.info("done", extra=execution)

    settings: None for those in force; a mapping of settings by name, as `LangFuseTracker(**settings)` takes them; or an
        object with attributes named like the variables (`enable_langfuse`, `LANGFUSE_SECRET_KEY`, …), in either case.

    Raises SettingError for a setting that does not exist or has an unusable value.
    """

    def __init__(self, settings: Mapping[str, Any] | Settings | object | None = None) -> None:
        given = _given(settings)
        if given:
            process.configure(given)

    @property
    def enabled(self) -> bool:
        """Whether the next execution is recorded: this process's switch, and the project's (`agent-trace off`)."""
        return is_on()

    def trace_agent_execution(
        self, agent_id: str, tenant_id: str, session_id: str | None = None
    ) -> AgentExecution:
        """A `with` or `async with` block that is one observation of type `agent`.

        Whatever is opened inside belongs to this agent, tenant and session, across awaits, threads and thread pools.
        Yields `{"trace_id", "agent_id", "tenant_id"}`. An exception that leaves the block is recorded, and goes on. With
        recording off, `trace_id` is a new valid id that leads nowhere.
        """
        return AgentExecution(agent_id, tenant_id, session_id)

    def trace_handoff(
        self,
        source_agent: str,
        target_agent: str,
        tenant_id: str,
        valid: bool,
        strictness: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Record that one agent hands over to another: an event `handoff:{source}->{target}`, WARNING when not valid.

        It stands below the current observation, or the one finished last here; with none at all it is a trace of its own.
        `handoff_validations_total` counts it. Never raises.
        """
        if is_on():
            details = {"tenant_id": tenant_id, "valid": valid, "strictness": strictness, "reason": reason}
            attempt("recording a handoff", _record_handoff, source_agent, target_agent, details)


class Block(ABC, Generic[Begun, Yielded]):
    """A block for `with` and `async with`. It may be entered again, by one task or thread at a time."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: list[Begun] = []

    @abstractmethod
    def _begin(self) -> tuple[Begun, Yielded]:
        """What `_end` is to get, and what the block yields."""

    @abstractmethod
    def _end(self, begun: Begun, error: BaseException | None) -> None:
        """The block is left, by this exception if there is one."""

    def __enter__(self) -> Yielded:
        begun, yielded = self._begin()
        self._begun.append(begun)
        return yielded

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        if self._begun:
            # A generator that its reader closes has not failed.
            self._end(self._begun.pop(), None if isinstance(error, GeneratorExit) else error)

    async def __aenter__(self) -> Yielded:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, stack)


class OpenBlock:
    """A span that is current, in a scope of its own, until `end`."""

    __slots__ = ("span", "token")

    def __init__(self, span: Span, token: Token[Context]) -> None:
        self.span = span
        self.token = token

    def end(self, error: BaseException | None) -> None:
        """Write the observation. Each step by itself: a block may be left in another context than it was entered in."""
        attempt("detaching a span", self.span.recorder.detach, self.span)
        attempt("leaving a scope", _leave, self.token)
        self.span.__exit__(None, error, None)


def open_block(
    name: object,
    kind: str,
    scope: Mapping[str, object],
    metadata: Mapping[str, object] | None = None,
    model: str | None = None,
) -> OpenBlock | None:
    """Open a span in this scope and make it current; None with recording off, or when that failed."""
    return attempt("opening a block", _open_block, name, kind, scope, metadata, model) if is_on() else None


def record_event(
    name: str, scope: Mapping[str, object], metadata: Mapping[str, object], warning: str | None = None
) -> None:
    """Record something that takes no time, below what is current or finished last here, or else as a trace of its own.

    Raises whatever goes wrong: for callers that contain it.
    """
    from agent_trace.recording.recent import last_finished
    from agent_trace.recording.recorder import current_span, enter_scope, leave_scope

    token = enter_scope(scope)
    try:
        recorder, current = _recorder(), current_span()
        below = last_finished() if current is None else (current.trace_id, current.id)
        span = recorder.open(name, "event") if below is None else recorder.open_event(name, below)
    finally:
        leave_scope(token)
    span.added().add_metadata({key: value for key, value in metadata.items() if value is not None})
    if warning is not None:
        span.added().raise_level("WARNING", warning)
    span.end()


class AgentExecution(Block["OpenBlock | None", dict[str, str]]):
    """The block that `AgentTracer.trace_agent_execution` returns."""

    __slots__ = ("_agent_id", "_session_id", "_tenant_id")

    def __init__(self, agent_id: str, tenant_id: str, session_id: str | None) -> None:
        super().__init__()
        self._agent_id = agent_id
        self._tenant_id = tenant_id
        self._session_id = session_id

    def _begin(self) -> tuple[OpenBlock | None, dict[str, str]]:
        scope = {
            "agent_id": self._agent_id,
            "tenant_id": self._tenant_id,
            "session_id": self._session_id,
        }
        opened = open_block(self._agent_id, "agent", scope)
        trace_id = os.urandom(16).hex() if opened is None else opened.span.trace_id
        return opened, {"trace_id": trace_id, "agent_id": self._agent_id, "tenant_id": self._tenant_id}

    def _end(self, begun: OpenBlock | None, error: BaseException | None) -> None:
        if begun is not None:
            begun.end(error)


def _open_block(
    name: object,
    kind: str,
    scope: Mapping[str, object],
    metadata: Mapping[str, object] | None,
    model: str | None,
) -> OpenBlock:
    from agent_trace.recording.recorder import enter_scope, leave_scope
    from agent_trace.recording.text import as_text

    token = enter_scope(scope)
    try:
        recorder = _recorder()
        span = recorder.open(as_text(name), kind)
        span.model = model
        if metadata:
            span.added().add_metadata(metadata)
        recorder.attach(span)
    except BaseException:
        leave_scope(token)
        raise
    return OpenBlock(span, token)


def _record_handoff(source: object, target: object, details: Mapping[str, object]) -> None:
    from agent_trace.recording.text import as_text

    agents = {"source_agent": as_text(source), "target_agent": as_text(target)}
    name = f"handoff:{agents['source_agent']}->{agents['target_agent']}"
    valid = bool(details["valid"])
    warning = None if valid else f"handoff rejected: {as_text(details['reason'] or 'no reason given')}"
    scope = {"tenant_id": details["tenant_id"]}
    record_event(name, scope, {**agents, **details, "valid": valid}, warning)


def _recorder() -> Recorder:
    return process.steps().recorder


def _leave(token: Token[Context]) -> None:
    from agent_trace.recording.recorder import leave_scope

    leave_scope(token)


def _given(settings: Any) -> dict[str, Any]:
    """Settings by name, out of what `AgentTracer` was given."""
    if settings is None:
        return {}
    if isinstance(settings, Mapping):
        return dict(settings)
    if isinstance(settings, Settings):
        return {
            name: getattr(settings, name) for name, origin in settings.origins.items() if origin == "argument"
        }
    found: dict[str, Any] = {}
    for setting in TABLE:
        for name in (each for variable in setting.variables for each in (variable.lower(), variable)):
            value = getattr(settings, name, None)
            if value is not None and setting.name not in found:
                secret = getattr(value, "get_secret_value", None)  # pydantic's SecretStr
                found[setting.name] = value if secret is None else secret()
    return found
