"""Moments of LiteLLM's calls for which it has no callback, or one too late: functions of it that are wrapped.

Where a call begins and a budget may refuse it, where its answer is handed over, where its stream has been read. LiteLLM
tells of a success in another thread or task, when the program may have been killed already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import wrapt
from opentelemetry import trace

from agent_trace.integrations import litellm_endings as endings
from agent_trace.integrations.litellm_calls import KEY, Call, Details
from agent_trace.integrations.litellm_passing import passed
from agent_trace.integrations.litellm_reading import metadata_of_call
from agent_trace.recording.guard import attempt
from agent_trace.recording.notices import Notices
from agent_trace.recording.process import current, is_on

Wrapper = Callable[[Any, Any, Any, Any], Any]

_TWICE: Final = (
    "each call of LiteLLM is observed twice, by our callback and by OpenInference's instrumentor. Tokens and cost count "
    'once. One of them is enough: leave "litellm" out of instrument_providers()'
)


def _begun(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> None:
    """A call of any kind has begun: the one moment that all have and that lies in their context."""
    wrapped(*args, **kwargs)
    if is_on():
        attempt("taking note of a LiteLLM call", _note, instance)


def _set_up(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A call knows all that it is about, and has done nothing yet. An exception goes to the program as it is."""
    made = wrapped(*args, **kwargs)
    refusal = attempt("asking the gate", _refusal, made[0]) if is_on() else None
    if refusal is not None:
        raise refusal
    return made


def _answered(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """An answer has got its cost, and nothing comes between it and the program."""
    made = wrapped(*args, **kwargs)
    attempt("finishing a LiteLLM call", endings.finish_answered, kwargs)
    return made


def _logged(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """An answer is told to callbacks; one out of a cache is on its way to the program."""
    attempt("finishing a LiteLLM call", endings.finish_cached, instance, kwargs)
    return wrapped(*args, **kwargs)


def _told(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A thread has come to tell callbacks of an answer, maybe before the program has it, and has not translated it yet."""
    given = {**dict(zip(_TOLD, args, strict=False)), **kwargs}
    attempt("finishing a LiteLLM call", endings.finish_told, instance, given)
    return wrapped(*args, **kwargs)


def _completed(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A stream of responses has come to its last event, which callbacks are told as chat completions have it."""
    attempt("finishing a LiteLLM call", endings.finish_event, instance)
    return wrapped(*args, **kwargs)


def _assembled(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The answer of a stream was put together."""
    whole = wrapped(*args, **kwargs)
    attempt("taking note of an answer", endings.note_answer, kwargs.get("logging_obj"), whole)
    return whole


def _until_its_end(finish: Callable[[Any], None]) -> Wrapper:
    """The steps of a stream, the last of which is its end."""

    def step(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            return wrapped(*args, **kwargs)
        except StopIteration:
            attempt("finishing a LiteLLM call", finish, instance)
            raise

    return step


async def _anext(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A step of an asynchronous stream."""
    try:
        return await wrapped(*args, **kwargs)
    except StopAsyncIteration:
        attempt("finishing a LiteLLM call", endings.finish_stream, instance)
        raise


def _read(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The bytes of a stream have been read, and are to be told of later: asked for in the step that ends the stream."""
    attempt("finishing a LiteLLM call", endings.finish_bytes, kwargs)
    return wrapped(*args, **kwargs)


_TOLD: Final = ("result", "start_time", "end_time", "cache_hit")
"""What LiteLLM gives a thread that is to tell callbacks, with or without the names."""
_LOGGING: Final = "litellm.litellm_core_utils.litellm_logging"
_STREAMING: Final = "litellm.litellm_core_utils.streaming_handler"
_RESPONSES: Final = "litellm.responses.streaming_iterator"
_BYTES: Final = "litellm.proxy.pass_through_endpoints.streaming_handler"
"""LiteLLM imports it with the first stream of bytes, which takes half a second. Like the third, it imports the next."""
_WHOLE: Final = "litellm.proxy.pass_through_endpoints.success_handler"
_GOOGLE: Final = "litellm.google_genai.streaming_iterator"
"""With the first stream of Google's; LiteLLM tells nobody of one that is not asynchronous."""
_IMPORTED_LATER: Final = (_BYTES, _WHOLE, _GOOGLE)
_WRAPPED: Final[tuple[tuple[str, str, Wrapper], ...]] = (
    (_LOGGING, "Logging.__init__", _begun),
    (_LOGGING, "Logging.handle_sync_success_callbacks_for_async_calls", _logged),
    (_LOGGING, "Logging.success_handler", _told),
    ("litellm.utils", "function_setup", _set_up),
    ("litellm.router", "function_setup", _set_up),
    ("litellm.utils", "update_response_metadata", _answered),
    (_RESPONSES, "update_response_metadata", _answered),
    (_RESPONSES, "ResponsesAPIStreamingIterator._handle_logging_completed_response", _completed),
    (_RESPONSES, "SyncResponsesAPIStreamingIterator._handle_logging_completed_response", _completed),
    ("litellm", "stream_chunk_builder", _assembled),
    (_STREAMING, "CustomStreamWrapper.__next__", _until_its_end(endings.finish_stream)),
    (_STREAMING, "CustomStreamWrapper.__anext__", _anext),
    (_BYTES, "PassThroughStreamingHandler.route_streaming_logging_to_handler", _read),
    (_BYTES, "PassThroughStreamingHandler._route_streaming_logging_to_handler", _read),
    (_WHOLE, "PassThroughEndpointLogging.pass_through_async_success_handler", passed),
    (_GOOGLE, "GoogleGenAIGenerateContentStreamingIterator.__next__", _until_its_end(endings.finish_read)),
)
"""Module, name in it, wrapper. What a version of LiteLLM does not have is told by the callback alone."""


_has_said = False
_is_watching = False
_awaited: Final[set[str]] = set()


def watch() -> None:
    """Wrap all that is not wrapped yet."""
    global _is_watching
    _is_watching = True
    for module, name, wrapper in _WRAPPED:
        attempt("attaching to LiteLLM", _wrap, module, name, wrapper)
    for module in {_BYTES, _GOOGLE} - _awaited - sys.modules.keys():
        _awaited.add(module)
        wrapt.register_post_import_hook(lambda _: watch() if _is_watching else None, module)


def unwatch() -> None:
    """Put back what was there before, wherever nobody else has wrapped it since."""
    global _is_watching
    _is_watching = False
    for module, name, wrapper in _WRAPPED:
        attempt("detaching from LiteLLM", _unwrap, module, name, wrapper)


def _wrap(module: str, name: str, wrapper: Wrapper) -> None:
    holder, last, found = _place(module, name)
    if found is not None and not _is_ours(found, wrapper):
        setattr(holder, last, wrapt.FunctionWrapper(found, wrapper))


def _unwrap(module: str, name: str, wrapper: Wrapper) -> None:
    holder, last, found = _place(module, name)
    if isinstance(found, wrapt.FunctionWrapper) and found._self_wrapper is wrapper:
        setattr(holder, last, found.__wrapped__)


def _place(module: str, name: str) -> tuple[Any, str, Any]:
    """Who has a function, its name there, and the function; None when there is none, or none yet."""
    if module in _IMPORTED_LATER and module not in sys.modules:
        return None, name, None
    try:
        holder: Any = import_module(module)
    except ModuleNotFoundError:
        return None, name, None
    if "." not in name:
        return holder, name, getattr(holder, name, None)
    owner, _, last = name.partition(".")
    holder = getattr(holder, owner)
    return holder, last, vars(holder).get(last)


def _is_ours(found: Any, wrapper: Wrapper) -> bool:
    """Whether our wrapper is there, also below somebody else's."""
    while isinstance(found, wrapt.FunctionWrapper):
        if found._self_wrapper is wrapper:
            return True
        found = found.__wrapped__
    return False


def _note(logging: Any) -> None:
    details: Details = logging.model_call_details
    details[KEY] = Call.here(frozenset(metadata_of_call(details)))
    attempt("looking for another observer", _say_if_observed_twice)


def _say_if_observed_twice() -> None:
    """Warn once of an instrumentor whose spans become observations as well: its span has just become current."""
    global _has_said
    if _has_said or not hasattr(trace.get_current_span(), "observed"):
        return
    observer = getattr(import_module("litellm").completion, "__self__", None)
    if type(observer).__module__.startswith("openinference."):
        _has_said = True
        Notices(quiet=current().settings.quiet).warn(_TWICE)


def refusal_of_chosen(asked: dict[str, Any]) -> Exception | None:
    """What the gate has to say against the model that was chosen for a call which had been set up before."""
    return _refusal(asked.get("litellm_logging_obj"), asked.get("model"))


def _refusal(logging: Any, model: Any = None) -> Exception | None:
    call, details = endings.call_of(logging)
    return None if call is None else call.refusal({**details, "model": _bare(model or details.get("model"))})


def _bare(model: Any) -> Any:
    """A model's name without the provider in front, as LiteLLM goes on with it."""
    provider, _, rest = str(model).partition("/")
    return rest if rest and provider in import_module("litellm").provider_list else model
