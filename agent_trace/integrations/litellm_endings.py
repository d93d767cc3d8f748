"""How a call of LiteLLM ends: with what is at hand at each of its moments."""

from __future__ import annotations

from typing import Any

from agent_trace.integrations import litellm_google as google
from agent_trace.integrations import litellm_messages as messages
from agent_trace.integrations.litellm_calls import KEY, Call, Details
from agent_trace.integrations.litellm_prices import cost_of_response, with_cost
from agent_trace.integrations.litellm_reading import PASSED_THROUGH
from agent_trace.recording.recorder import NOTHING


def finish_answered(named: dict[str, Any]) -> None:
    """An answer has its cost, or is in a form that LiteLLM puts no price on."""
    logging, result = named.get("logging_obj"), named.get("result")
    call, details = call_of(logging)
    if call is None:
        return
    if _is_stream(result):
        call.streams()
        return
    answer = messages.answer_of_event(result)
    call.answered(answer)
    times = named.get("start_time"), named.get("end_time")
    if answer is not result or _is_translated(answer):
        _end_priced(call, logging, answer, times)
        return
    known = getattr(result, "_hidden_params", None)
    # Without them there is no cost yet, and one out of a cache does not know enough of itself.
    if isinstance(known, dict) and known.get("cache_hit") is not True:
        call.end({**details, "response_cost": known.get("response_cost")}, result, None, *times)


def finish_event(stream: Any) -> None:
    """A stream of responses has come to its last event."""
    told = {"logging_obj": stream.logging_obj, "result": stream.completed_response}
    finish_answered({**told, "start_time": stream.start_time})


def finish_cached(logging: Any, named: dict[str, Any]) -> None:
    """An answer comes out of a cache."""
    call, details = call_of(logging)
    result = named.get("result")
    if call is not None and named.get("cache_hit") is True and not _is_stream(result):
        times = named.get("start_time"), named.get("end_time")
        call.end({**details, "cache_hit": True}, result, None, *times)


def finish_told(logging: Any, named: dict[str, Any]) -> None:
    """A thread tells callbacks of an answer."""
    call, _ = call_of(logging)
    result = named.get("result")
    if call is not None and _is_retold(result) and named.get("cache_hit") is not True:
        _end_priced(call, logging, result, (named.get("start_time"), named.get("end_time")))


def _end_priced(call: Call, logging: Any, answer: Any, times: tuple[Any, Any]) -> None:
    """End a call with an answer that LiteLLM has put no price on. It comes here with some of them several times."""
    if call.is_over:
        call.settle()
    elif call.attempts or messages.is_message(answer):
        # Where another provider is asked in Google's form, or in that of responses, the call below this one counts.
        call.end(with_cost(logging, call_of(logging)[1], answer), answer, None, *times)


def _is_translated(answer: Any) -> bool:
    """Whether this is in a provider's own form: what LiteLLM tells callbacks of it is a translation."""
    return messages.is_message(answer) or google.is_generated(answer)


def _is_retold(answer: Any) -> bool:
    """Whether callbacks are told of this in another form, or with its usage in one."""
    return (
        _is_translated(answer)
        or messages.is_response(answer)
        or type(answer).__name__ == "TranscriptionResponse"
    )


def note_answer(logging: Any, whole: Any) -> None:
    """What a stream amounts to is known."""
    call, _ = call_of(logging)
    if call is not None and whole is not None:
        call.answered(whole)


def finish_stream(stream: Any) -> None:
    """A stream of chunks has been read."""
    call, details = call_of(stream.logging_obj)
    if call is None:
        return
    whole = call.response
    if whole is NOTHING:  # told already
        call.settle()
        return
    is_cached = stream.custom_llm_provider == "cached_response"
    cost = 0.0 if is_cached else cost_of_response(stream.logging_obj, whole)
    told = {**details, "cache_hit": is_cached, "response_cost": cost}
    call.end(told, whole, None, details.get("start_time"), None)


def finish_read(stream: Any) -> None:
    """A stream of bytes has been read synchronously."""
    logging, pieces = stream.litellm_logging_obj, stream.collected_chunks
    finish_bytes({"litellm_logging_obj": logging, "raw_bytes": pieces, "start_time": stream.start_time})


def finish_bytes(named: dict[str, Any]) -> None:
    """A stream of bytes has been read."""
    logging = named.get("litellm_logging_obj")
    call, details = call_of(logging)
    if call is None:
        return
    pieces = named.get("raw_bytes") or ()
    whole, times = messages.whole_message(pieces), (named.get("start_time"), named.get("end_time"))
    # Of what its proxy passes through, LiteLLM finds the model out only later, and its price.
    if whole is None and details.get("call_type") != PASSED_THROUGH:
        whole = google.whole_generated(pieces)
    if whole is not None:
        call.end(with_cost(logging, details, whole), whole, None, *times)
        return
    failure = messages.failure_in(pieces)
    if failure is not None:
        call.end(details, None, failure, *times)
        return
    answer = messages.whole_answer(pieces)
    if answer is not None:
        # Not its end yet: of the servers that it knows, LiteLLM reads it as well, and has a price.
        call.answered(answer)


def _is_stream(result: Any) -> bool:
    return hasattr(result, "__next__") or hasattr(result, "__anext__")


def call_of(logging: Any) -> tuple[Call | None, Details]:
    """The call that LiteLLM's logging object is about, when it was noted; and all that LiteLLM knows of it."""
    details: Details = getattr(logging, "model_call_details", None) or {}
    call = details.get(KEY)
    return (call if isinstance(call, Call) else None), details
