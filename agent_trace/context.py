"""`ObservabilityContext`: what the code around a traced call knows about it, attached to its observation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from agent_trace.recording.guard import attempt
from agent_trace.recording.process import has_started, is_on

if TYPE_CHECKING:
    from agent_trace.recording.propagation import Headers

H = TypeVar("H", bound=MutableMapping[str, str])


class ObservabilityContext:
    """Attach agent, signal and error to the current observation.

    With no observation running, what is added goes to the last one that finished in this context (agents parse their
    signal after the call returned); with none at all nothing happens. Calls accumulate: signals, errors, tags and
    metadata are added to those there are, and a key of metadata that is given again takes the new value. No method raises, and with recording off none adds anything.

    `inject`, `extract` and `environment` carry a trace from process to process. They do so with recording off, too:
    what lies behind this process may record.
    """

    @staticmethod
    def add_agent_metadata(agent_type: object, agent_name: object, **metadata: Any) -> None:
        """Say which agent is at work. `agent_id` and other scope fields are understood; the rest is metadata."""
        if is_on():
            fields = {"agent_type": agent_type, "agent_name": agent_name, **metadata}
            attempt("adding agent metadata", _noted, "add_agent", fields)

    @staticmethod
    def add_trading_signal(
        action: object, confidence: object, reasoning: object, symbol: object = None, **details: Any
    ) -> None:
        """Attach a decision.

        action: free text (BUY, HOLD, DONT BUY, …), kept as given.
        confidence: 0 to 1, 0 to 100, or -1 to 1; kept as given, with the scale that was recognised. A value that makes
            no sense on any of them is kept and flagged.
        reasoning, symbol, details: anything; captured and redacted like an input.
        """
        if is_on():
            attempt("adding a signal", _noted, "add_signal", action, confidence, reasoning, symbol, details)

    @staticmethod
    def add_error(error: object, context: object = None) -> None:
        """Attach an error that the program has dealt with: an exception with its stack trace, or a message."""
        if is_on():
            attempt("adding an error", _noted, "add_error", error, context)

    @staticmethod
    def add_handoff(source_agent: object, target_agent: object, valid: bool = True, **details: Any) -> None:
        """Record that one agent hands over to another; `valid=False` (with a `reason`) when it was rejected."""
        if is_on():
            attempt("adding a handoff", _noted, "add_handoff", source_agent, target_agent, valid, details)

    @staticmethod
    def score(name: str, value: float | bool | str, comment: str | None = None) -> None:
        """Judge the observation: a number, a yes or no, or a category."""
        if is_on():
            attempt("adding a score", _noted, "add_score", name, value, comment)

    @staticmethod
    def scope(
        *,
        tenant_id: object = None,
        agent_id: object = None,
        session_id: object = None,
        user_id: object = None,
        agent_type: object = None,
        agent_name: object = None,
    ) -> Scoped:
        """A `with` block: everything opened inside belongs to this tenant, agent, session, user."""
        fields = {
            "tenant_id": tenant_id,
            "agent_id": agent_id,
            "session_id": session_id,
            "user_id": user_id,
            "agent_type": agent_type,
            "agent_name": agent_name,
        }
        return Scoped(fields)

    @staticmethod
    def inject(headers: H) -> H:
        """Add W3C `traceparent`, `tracestate` and `baggage` to the headers of a request or message, and return them."""
        attempt("injecting a trace into headers", _injected, headers)
        return headers

    @staticmethod
    def extract(headers: Headers) -> Extracted:
        """A `with` block: what is opened inside is a child of the sender that these headers tell of.

        headers: any mapping, or pairs as ASGI has them; text or bytes, names in any case. Without a valid
            `traceparent` the block changes nothing but the baggage.
        """
        return Extracted(headers)

    @staticmethod
    def environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables for a child process: `base`, or those of this one, with TRACEPARENT.

        subprocess.run(command, env=ObservabilityContext.environment())
        """
        found = attempt("injecting a trace into variables", _environment, base)
        return dict(base or {}) if found is None else found


def _injected(headers: MutableMapping[str, str]) -> None:
    from agent_trace.recording.propagation import inject

    inject(headers)


def _environment(base: Mapping[str, str] | None) -> dict[str, str]:
    from agent_trace.recording.propagation import environment
    from agent_trace.settings import whole_environment

    return environment(whole_environment() if base is None else base)


def _noted(note: str, *given: Any) -> None:
    # Loaded when first needed, and inside what contains failures: an import fails while the interpreter shuts down.
    from agent_trace.recording import notes

    getattr(notes, note)(*given)


class _Block(ABC):
    """A `with` block that changes the context, for one task or thread at a time. Neither end of it raises."""

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens: list[Any] = []

    def __enter__(self) -> None:
        self._tokens.append(attempt("entering a context", self._enter))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        attempt("leaving a context", self._exit)

    @abstractmethod
    def _enter(self) -> Any:
        """Change the context, and give what takes that back; None if nothing is to be."""

    def _exit(self) -> None:
        token = self._tokens.pop()
        if token is not None:
            from agent_trace.recording.current_context import reset_context

            reset_context(token)


class Scoped(_Block):
    """The `with` block that `ObservabilityContext.scope` returns."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, object]) -> None:
        super().__init__()
        self._fields = fields

    def _enter(self) -> Any:
        # Asked of the process and not of the flag: somebody may switch recording on inside the block.
        if not is_on() and not has_started():
            return None
        from agent_trace.recording.recorder import enter_scope

        return enter_scope(self._fields)


class Extracted(_Block):
    """The `with` block that `ObservabilityContext.extract` returns."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Headers) -> None:
        super().__init__()
        self._headers = headers

    def _enter(self) -> Any:
        from agent_trace.recording.propagation import extract

        return extract(self._headers)
