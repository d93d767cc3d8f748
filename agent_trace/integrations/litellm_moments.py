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

from agent_trace.integrations import litellm_messages as messages
from agent_trace.integrations.litellm_calls import KEY, Call, Details
from agent_trace.integrations.litellm_passing import passed
from agent_trace.integrations.litellm_reading import metadata_of_call
from agent_trace.recording.guard import attempt
from agent_trace.recording.notices import Notices
from agent_trace.recording.process import current, is_on
from agent_trace.recording.recorder import NOTHING

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
    attempt("finishing a LiteLLM call", _finish, kwargs)
    return made


def _logged(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """An answer is told to callbacks; one out of a cache is on its way to the program."""
    attempt("finishing a LiteLLM call", _finish_cached, instance, kwargs)
    return wrapped(*args, **kwargs)


def _assembled(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The answer of a stream was put together."""
    whole = wrapped(*args, **kwargs)
    attempt("taking note of an answer", _note_answer, kwargs.get("logging_obj"), whole)
    return whole


def _next(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A step of a stream: the last one is its end."""
    try:
        return wrapped(*args, **kwargs)
    except StopIteration:
        attempt("finishing a LiteLLM call", _finish_stream, instance)
        raise


async def _anext(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The same for an asynchronous one."""
    try:
        return await wrapped(*args, **kwargs)
    except StopAsyncIteration:
        attempt("finishing a LiteLLM call", _finish_stream, instance)
        raise


def _read(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The bytes of a stream have been read, and are to be told of later: asked for in the step that ends the stream."""
    attempt("finishing a LiteLLM call", _finish_bytes, kwargs)
    return wrapped(*args, **kwargs)


_LOGGING: Final = "litellm.litellm_core_utils.litellm_logging"
_STREAMING: Final = "litellm.litellm_core_utils.streaming_handler"
_BYTES: Final = "litellm.proxy.pass_through_endpoints.streaming_handler"
"""LiteLLM imports it with the first stream of bytes, which takes half a second. It imports the next one."""
_WHOLE: Final = "litellm.proxy.pass_through_endpoints.success_handler"
_IMPORTED_LATER: Final = (_BYTES, _WHOLE)
_WRAPPED: Final[tuple[tuple[str, str, Wrapper], ...]] = (
    (_LOGGING, "Logging.__init__", _begun),
    (_LOGGING, "Logging.handle_sync_success_callbacks_for_async_calls", _logged),
    ("litellm.utils", "function_setup", _set_up),
    ("litellm.router", "function_setup", _set_up),
    ("litellm.utils", "update_response_metadata", _answered),
    ("litellm.responses.streaming_iterator", "update_response_metadata", _answered),
    ("litellm", "stream_chunk_builder", _assembled),
    (_STREAMING, "CustomStreamWrapper.__next__", _next),
    (_STREAMING, "CustomStreamWrapper.__anext__", _anext),
    (_BYTES, "PassThroughStreamingHandler.route_streaming_logging_to_handler", _read),
    (_BYTES, "PassThroughStreamingHandler._route_streaming_logging_to_handler", _read),
    (_WHOLE, "PassThroughEndpointLogging.pass_through_async_success_handler", passed),
)
"""Module, name in it, wrapper. What a version of LiteLLM does not have is told by the callback alone."""


_has_said = False
_is_watching = False
_awaits_import = False


def watch() -> None:
    """Wrap all that is not wrapped yet."""
    global _is_watching, _awaits_import
    _is_watching = True
    for module, name, wrapper in _WRAPPED:
        attempt("attaching to LiteLLM", _wrap, module, name, wrapper)
    if not _awaits_import and _BYTES not in sys.modules:
        _awaits_import = True
        wrapt.register_post_import_hook(lambda _: watch() if _is_watching else None, _BYTES)


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
    call, details = _call_of(logging)
    return None if call is None else call.refusal({**details, "model": _bare(model or details.get("model"))})


def _bare(model: Any) -> Any:
    """A model's name without the provider in front, as LiteLLM goes on with it."""
    provider, _, rest = str(model).partition("/")
    return rest if rest and provider in import_module("litellm").provider_list else model


def _finish(named: dict[str, Any]) -> None:
    result, (call, details) = named.get("result"), _call_of(named.get("logging_obj"))
    if call is None:
        return
    if _is_stream(result):
        call.streams()
        return
    call.answered(result)
    times = named.get("start_time"), named.get("end_time")
    if messages.is_message(result):
        call.end(_with_cost(named["logging_obj"], details, result), result, None, *times)
        return
    known = getattr(result, "_hidden_params", None)
    # Without them there is no cost yet, and one out of a cache does not know enough of itself.
    if isinstance(known, dict) and known.get("cache_hit") is not True:
        told = {**details, "response_cost": known.get("response_cost")}
        call.end(told, result, None, *times)


def _finish_cached(logging: Any, named: dict[str, Any]) -> None:
    call, details = _call_of(logging)
    result = named.get("result")
    if call is not None and named.get("cache_hit") is True and not _is_stream(result):
        times = named.get("start_time"), named.get("end_time")
        call.end({**details, "cache_hit": True}, result, None, *times)


def _note_answer(logging: Any, whole: Any) -> None:
    call, _ = _call_of(logging)
    if call is not None and whole is not None:
        call.answered(whole)


def _finish_stream(stream: Any) -> None:
    call, details = _call_of(stream.logging_obj)
    if call is None:
        return
    whole = call.response
    if whole is NOTHING:  # told already
        call.settle()
        return
    is_cached = stream.custom_llm_provider == "cached_response"
    cost = 0.0 if is_cached else _cost(stream.logging_obj, whole)
    told = {**details, "cache_hit": is_cached, "response_cost": cost}
    call.end(told, whole, None, details.get("start_time"), None)


def _finish_bytes(named: dict[str, Any]) -> None:
    logging = named.get("litellm_logging_obj")
    call, details = _call_of(logging)
    if call is None:
        return
    pieces = named.get("raw_bytes") or ()
    whole, times = messages.whole_message(pieces), (named.get("start_time"), named.get("end_time"))
    if whole is not None:
        call.end(_with_cost(logging, details, whole), whole, None, *times)
        return
    failure = messages.failure_in(pieces)
    if failure is not None:
        call.end(details, None, failure, *times)
        return
    answer = messages.whole_answer(pieces)
    if answer is not None:
        # Not its end yet: of the servers that it knows, LiteLLM reads it as well, and has a price.
        call.answered(answer)


def _with_cost(logging: Any, details: Details, message: Any) -> Details:
    """What is known of a call, and the cost of its answer in Anthropic's form."""
    priced = messages.priced_form(message, details.get("model"))
    cost = attempt("asking LiteLLM for a cost", _cost, logging, priced)
    return {**details, "response_cost": cost}


def _cost(logging: Any, response: Any) -> Any:
    """What LiteLLM says that it costs. The method has lost its underscore at some time."""
    calculate = getattr(logging, "_response_cost_calculator", None) or logging.response_cost_calculator
    return calculate(result=response)


def _is_stream(result: Any) -> bool:
    return hasattr(result, "__next__") or hasattr(result, "__anext__")


def _call_of(logging: Any) -> tuple[Call | None, Details]:
    """The call that LiteLLM's logging object is about, when it was noted; and all that LiteLLM knows of it."""
    details: Details = getattr(logging, "model_call_details", None) or {}
    call = details.get(KEY)
    return (call if isinstance(call, Call) else None), details
