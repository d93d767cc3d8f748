"""One call of LiteLLM from its start to its end, wherever LiteLLM tells of them: one observation for every attempt."""

from __future__ import annotations

import atexit
import threading
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Set
from typing import TYPE_CHECKING, Any, Final
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
from agent_trace.recording.scope import scope_of, widened, with_scope

if TYPE_CHECKING:
    from agent_trace.recording.span import Span
    from agent_trace.recording.steps import Steps

KEY: Final = "agent_trace.call"
"""Where a call is kept in LiteLLM's own dict about it: this way it comes along to every thread and loop."""

_UNREPORTED: Final = (
    "LiteLLM told of no end: closed by its reader, cancelled, or cut off by the end of its loop"
)
_RETRIED: Final = "this attempt failed, and LiteLLM made another one"

Details = dict[str, Any]


class Call:
    """What is to be known of a call when its end is told: the context it was made in, and the span of the attempt.

    context: of the caller, whatever thread or loop LiteLLM tells of the call in.
    given: the names in the call's metadata before LiteLLM adds its own; None when that is not known.
    """

    def __init__(self, context: Context, claimed: list[Span], given: Set[str] | None) -> None:
        self.context = context
        self._given = given
        self._response: Any = NOTHING
        self._loop: AbstractEventLoop | None = None
        self._claimed = claimed
        self._changing = threading.Lock()
        self._span: Span | None = None
        self._attempts = 0
        self._is_over = False
        self._details: Details | None = None

    @classmethod
    def here(cls, given: Set[str] | None = None) -> Call:
        """A call that begins in the current context, and answers for its tokens."""
        _give_up_stranded()
        return cls(get_context(), claim(current_span()), given)

    def attempt(self, details: Details, messages: Any) -> None:
        """A request is about to be made. A former one of the same call, not told of, has failed then."""
        if _is_not_to_be_told(details):
            return
        if not self._claimed:
            self._claimed = claim(_span_in(self.context))
        span = self._open(details, messages)
        with self._changing:
            former, self._span = self._span, span
            self._attempts += 1
            self._is_over = False
            # Without the call itself: its end is also told by nobody's holding it any more.
            self._details = {name: value for name, value in details.items() if name != KEY}
        _open_calls.add(self)
        if former is not None:
            former.added().raise_level("ERROR", _RETRIED)
            attempt("describing a LiteLLM call", self._describe, former, details, self._attempts - 1)
            former.end()

    def end(self, details: Details, response: Any, error: BaseException | None, start: Any, end: Any) -> None:
        """LiteLLM tells of the end. Told of twice, once in a thread and once in a loop, it ends once."""
        with self._changing:
            span, self._span = self._span, None
            was_over, self._is_over = self._is_over, True
        self._response = NOTHING
        if error is not None:
            release(self._claimed)
        if span is None:
            if was_over or not is_on() or _is_not_to_be_told(details):
                return
            # Out of a cache, or refused before any request.
            span = self._open(details, details.get("messages"))
        if self._attempts < 2:
            _started_at(span, reading.nanoseconds(start))
        done = attempt("writing a LiteLLM call", self._write, span, details, response, error, end)
        if done is None:
            span.is_finished = True
            steps().recorder.lose()

    def answered(self, response: Any) -> None:
        """The caller is about to get its answer. LiteLLM tells of the end later, if the loop lives to see it."""
        self._response, self._loop = response, _running_loop()

    @property
    def is_stranded(self) -> bool:
        """Whether the loop has ended in which LiteLLM was to tell of the end."""
        return self._loop is not None and self._loop.is_closed()

    def give_up(self) -> None:
        """Nothing more will be told: write what is known."""
        with self._changing:
            span, self._span = self._span, None
            # Of some LiteLLM tells after all, when the process ends.
            self._is_over = self._is_over or span is not None
        if span is None or self._details is None:
            return
        if self._response is not NOTHING:
            attempt("writing a LiteLLM call", self._write, span, self._details, self._response, None, None)
            return
        span.added().raise_level("WARNING", _UNREPORTED)
        attempt("describing a LiteLLM call", self._describe, span, self._details, self._attempts)
        span.end()

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
            context = with_scope(widened(_scope_in(context), told.scope), context)
        token = set_context(context)
        try:
            span = now.recorder.open(told.name, told.type)
        finally:
            reset_context(token)
        span.model, span.model_parameters = reading.model_of(details)
        if now.captures_input and not _is_to_be_redacted(details):
            attempt("capturing input", _capture_input, now, span, reading.input_of(details, messages))
        return span

    def _describe(self, span: Span, details: Details, number: int) -> None:
        span.added().add_metadata(reading.metadata_of(details, number, self._given))
        tags = reading.tags_of(details)
        if tags:
            span.added().add_tags(tags)

    def _write(
        self, span: Span, details: Details, response: Any, error: BaseException | None, end: Any
    ) -> bool:
        attempt("describing a LiteLLM call", self._describe, span, details, self._attempts)
        now, output = steps(), NOTHING
        said, of_cache = reading.reading_of(details, response)
        if of_cache:
            span.added().fields["reported_usage"] = of_cache
        if error is None:
            _note_first_token(span, details)
            span.captures_output = now.captures_output and not _is_to_be_redacted(details)
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


def _scope_in(context: Context) -> Any:
    """The scope that an observation opened in this context would have."""
    scope, span = scope_of(context), _span_in(context)
    return scope if span is None else span.scope_below(scope)


def _capture_input(now: Steps, span: Span, value: Any) -> None:
    if value is not None:
        content, span.cuts = capture(value, now.recorder.limits, "input", now.recorder.redactor.redact_text)
        span.input = (content, content)


def _started_at(span: Span, start_ns: int | None) -> None:
    """Put the start back to where LiteLLM saw it, with what the span counts its end by."""
    if start_ns is not None and start_ns < span.start_ns:
        span.start_ticks += start_ns - span.start_ns
        span.start_ns = start_ns


def _note_first_token(span: Span, details: Details) -> None:
    first_ns = reading.nanoseconds(details.get("completion_start_time"))
    if details.get("stream") is True and first_ns is not None and first_ns >= span.start_ns:
        span.first_item_ns = first_ns


def _is_not_to_be_told(details: Details) -> bool:
    return (details.get("litellm_params") or {}).get("no-log") is True


def _is_to_be_redacted(details: Details) -> bool:
    """Whether LiteLLM was told to keep messages from its callbacks, for this call or all."""
    from importlib import import_module

    redact: Any = import_module("litellm.litellm_core_utils.redact_messages")
    # What cannot be asked is as good as a yes: a message that was to be hidden cannot be hidden later.
    return (
        attempt("asking LiteLLM about redaction", redact.should_redact_message_logging, details) is not False
    )


def _running_loop() -> AbstractEventLoop | None:
    try:
        return get_running_loop()
    except RuntimeError:
        return None


_latest_loop: int = 0


def _give_up_stranded() -> None:
    """Write the calls of loops that have ended. Looked for when the program calls from elsewhere than the last time."""
    global _latest_loop
    here = id(_running_loop())
    if here != _latest_loop:
        _latest_loop = here
        for each in list(_open_calls):
            if each.is_stranded:
                each.give_up()


def _give_up_all() -> None:
    for each in list(_open_calls):
        attempt("giving a LiteLLM call up", each.give_up)


atexit.register(_give_up_all)
