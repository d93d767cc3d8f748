"""One call of LiteLLM from its start to its end, wherever LiteLLM tells of them: one observation for every attempt."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Set
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.integrations import litellm_reading as reading
from agent_trace.integrations.claims import claim, release
from agent_trace.recording.capturing.capture import capture
from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import is_on, steps
from agent_trace.recording.propagation import context_from
from agent_trace.recording.recorder import NOTHING, current_span
from agent_trace.recording.scope import Scope, scope_of, widened, with_scope
from agent_trace.recording.under_way import note_request

if TYPE_CHECKING:
    from agent_trace.recording.span import Span
    from agent_trace.recording.steps import Steps

KEY: Final = "agent_trace.call"
"""Where a call is kept in LiteLLM's own dict about it: this way it comes along to every thread and loop."""

_UNREPORTED: Final = (
    "LiteLLM told of no end: closed by its reader, cancelled, or cut off by the end of its loop"
)
_PATIENCE_S: Final = 1.0
"""How long the program waits for a thread that is just writing what it came to write; that takes microseconds."""
_RETRIED: Final = "this attempt failed, and LiteLLM made another one"

Details = dict[str, Any]


class Asked(NamedTuple):
    """What a gate is shown of a call that has no span yet."""

    type: str
    model: str | None
    scope: Scope


class Call:
    """What is to be known of a call when its end is told: the context it was made in, and the span of the attempt.

    context: of the caller, whatever thread or loop LiteLLM tells of the call in.
    given: the names in the call's metadata before LiteLLM adds its own; None when that is not known.
    """

    def __init__(self, context: Context, claimed: list[Span], given: Set[str] | None) -> None:
        self.context = context
        self._given = given
        self._response: Any = NOTHING
        self._claimed = claimed
        self._changing = threading.Lock()
        self._span: Span | None = None
        self.attempts = 0
        self.is_over = False
        self._is_waiting = False
        self._is_written = threading.Event()
        self._details: Details | None = None

    @classmethod
    def here(cls, given: Set[str] | None = None) -> Call:
        """A call that begins in the current context, and answers for its tokens."""
        call = cls(get_context(), claim(current_span()), given)
        note_request(call)
        return call

    @property
    def requesting(self) -> Span | None:
        """The span of the attempt that waits for its answer, or for the stream that is the answer."""
        return self._span if self._is_waiting else None

    def refusal(self, details: Details) -> Exception | None:
        """What the gate has to say against this call, which is over then."""
        gate = steps().gate
        if gate is None:
            return None
        told = reading.described(details)
        # A reranker is paid for like a model; what moderates is not.
        kind = "generation" if told.type == "retriever" else told.type
        error = gate(Asked(kind, reading.model_of(details)[0], _widened_in(self.context, told.scope)))
        if error is not None:
            self.end(details, None, error, details.get("start_time"), None)
        return error

    def arrived(self, details: Details, given: Set[str]) -> None:
        """A proxy says what it is about to pass on: what there is to describe it by until the request is made."""
        self._details, self._given = details, given

    def is_called(self, call_id: object) -> bool:
        """Whether this may be LiteLLM's call of that id, which it does not always tell."""
        return call_id is None or (self._details or {}).get("litellm_call_id") == call_id

    def fail(self, error: BaseException) -> None:
        """Nothing but this error is told of the end."""
        details = self._details
        if details is not None:
            self.end(details, None, error, details.get("start_time"), None)

    def attempt(self, details: Details, messages: Any) -> None:
        """A request is about to be made. A former one of the same call, not told of, has failed then."""
        if reading.is_not_to_be_told(details):
            return
        if not self._claimed:
            self._claimed = claim(_span_in(self.context))
        span = self._open(details, messages)
        with self._changing:
            former, self._span = self._span, span
            self.attempts += 1
            self.is_over, self._is_waiting = False, True
            self._is_written.clear()
            # Without the call itself: its end is also told by nobody's holding it any more.
            self._details = {name: value for name, value in details.items() if name != KEY}
        _open_calls.add(self)
        if former is not None:
            former.added().raise_level("ERROR", _RETRIED)
            attempt("describing a LiteLLM call", self._describe, former, details, self.attempts - 1)
            former.end()

    def end(self, details: Details, response: Any, error: BaseException | None, start: Any, end: Any) -> None:
        """The call has ended, and is written when this returns. Told of again, by a thread or a loop, it ends once."""
        with self._changing:
            span, self._span = self._span, None
            was_over, self.is_over = self.is_over, True
            self._is_waiting = False
        self._response = NOTHING
        if error is not None:
            release(self._claimed)
        if was_over and span is None:
            self.settle()
            return
        try:
            self._end(span, details, response, error, (start, end))
        finally:
            self._is_written.set()

    def settle(self) -> None:
        """Wait until it is written, when another thread is just doing that."""
        if self.is_over:
            self._is_written.wait(_PATIENCE_S)

    @property
    def response(self) -> Any:
        """The answer as it is known before LiteLLM tells of the end; NOTHING before."""
        return self._response

    def answered(self, response: Any) -> None:
        """The caller is about to get its answer, of which LiteLLM tells later."""
        self._response, self._is_waiting = response, False

    def streams(self) -> None:
        """The caller is about to get a stream. What it asks while it reads is no part of this call."""
        self._is_waiting = False

    def give_up(self) -> None:
        """Nothing more will be told: write what is known."""
        with self._changing:
            span, self._span = self._span, None
            # Of some LiteLLM tells after all, when the process ends.
            self.is_over = self.is_over or span is not None
        if span is None or self._details is None:
            return
        if self._response is not NOTHING:
            attempt("writing a LiteLLM call", self._write, span, self._details, self._response, None, None)
        else:
            span.added().raise_level("WARNING", _UNREPORTED)
            attempt("describing a LiteLLM call", self._describe, span, self._details, self.attempts)
            span.end()
        self._is_written.set()

    def __del__(self) -> None:
        # Asked first: at the very end of a process even `attempt` is gone.
        if self._span is not None:
            attempt("giving a LiteLLM call up", self.give_up)

    def __copy__(self) -> Call:
        return self

    def __deepcopy__(self, memo: object) -> Call:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _nothing, ()

    def _open(self, details: Details, messages: Any) -> Span:
        """Open a span where the call was made, in the scope that it names."""
        told, now = reading.described(details), steps()
        context = self.context
        if told.headers and not trace.get_current_span(context).get_span_context().is_valid:
            context = context_from(told.headers, context)  # a proxy's client, which traces as well
        if told.scope:
            context = with_scope(_widened_in(context, told.scope), context)
        token = set_context(context)
        try:
            span = now.recorder.open(told.name, told.type)
        finally:
            reset_context(token)
        span.model, span.model_parameters = reading.model_of(details)
        if now.captures_input and not reading.is_to_be_redacted(details):
            attempt("capturing input", _capture_input, now, span, reading.input_of(details, messages))
        return span

    def _end(
        self,
        span: Span | None,
        details: Details,
        response: Any,
        error: BaseException | None,
        times: tuple[Any, Any],
    ) -> None:
        if span is None:  # out of a cache, or refused before any request
            if not is_on() or reading.is_not_to_be_told(details):
                return
            span = self._open(details, details.get("messages"))
        if self.attempts < 2:
            _started_at(span, reading.nanoseconds(times[0]))
        done = attempt("writing a LiteLLM call", self._write, span, details, response, error, times[1])
        if done is None:
            span.is_finished = True
            steps().recorder.lose()

    def _describe(self, span: Span, details: Details, number: int) -> None:
        span.added().add_metadata(reading.metadata_of(details, number, self._given))
        tags = reading.tags_of(details)
        if tags:
            span.added().add_tags(tags)

    def _write(
        self, span: Span, details: Details, response: Any, error: BaseException | None, end: Any
    ) -> bool:
        attempt("describing a LiteLLM call", self._describe, span, details, self.attempts)
        now, output = steps(), NOTHING
        said, of_cache = reading.reading_of(details, response)
        if of_cache:
            span.added().fields["reported_usage"] = of_cache
        if error is None:
            _note_first_token(span, details)
            span.captures_output = now.captures_output and not reading.is_to_be_redacted(details)
            output = reading.output_of(details, response)
        now.recorder.finish(
            span, output, error, said if error is None else None, end_ns=reading.nanoseconds(end)
        )
        return True


_open_calls: Final[WeakSet[Call]] = WeakSet()


def _nothing() -> None:
    """What a call is in another process."""


def _span_in(context: Context) -> Span | None:
    token = set_context(context)
    try:
        return current_span()
    finally:
        reset_context(token)


def _widened_in(context: Context, fields: dict[str, object]) -> Scope:
    """The scope that an observation opened in this context would have, with these fields on top."""
    scope, span = scope_of(context), _span_in(context)
    return widened(scope if span is None else span.scope_below(scope), fields)


def _capture_input(now: Steps, span: Span, value: Any) -> None:
    if value is not None:
        content, span.cuts = capture(value, now.recorder.limits, "input", now.recorder.redactor.redact_text)
        span.input = ([content], [content])


def _started_at(span: Span, start_ns: int | None) -> None:
    """Put the start back to where LiteLLM saw it, with what the span counts its end by."""
    if start_ns is not None and start_ns < span.start_ns:
        span.start_ticks += start_ns - span.start_ns
        span.start_ns = start_ns


def _note_first_token(span: Span, details: Details) -> None:
    first_ns = reading.nanoseconds(details.get("completion_start_time"))
    if details.get("stream") is True and first_ns is not None and first_ns >= span.start_ns:
        span.first_item_ns = first_ns


def _give_up_all() -> None:
    for each in list(_open_calls):
        attempt("giving a LiteLLM call up", each.give_up)


atexit.register(_give_up_all)
