"""The one callback that LiteLLM gets from us, and where it is put in. Importing this module imports LiteLLM."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any, Final

from agent_trace.integrations import litellm_moments, litellm_passing
from agent_trace.integrations.litellm_calls import KEY, Call
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import is_on
from agent_trace.recording.reading.parts import parts_of

_litellm: Final[Any] = import_module("litellm")
_CustomLogger: Final[Any] = import_module("litellm.integrations.custom_logger").CustomLogger

_CALLBACK_LISTS: Final = (
    *("callbacks", "input_callback", "success_callback", "failure_callback"),
    *("_async_input_callback", "_async_success_callback", "_async_failure_callback"),
)
"""LiteLLM copies what stands in `callbacks` to the others when it makes a call."""

Details = dict[str, Any]
"""`model_call_details`: all that LiteLLM knows of a call, one dict for the whole of it, added to as it goes on."""


class AgentTraceLogger(_CustomLogger):  # type: ignore[misc]
    """Turns what LiteLLM tells of its calls into observations. Nothing of it raises."""

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Details) -> None:
        """A request is about to be made, in the context of the call: the first one, a retry or a fallback."""
        if is_on():
            attempt("opening a LiteLLM call", _attempted, kwargs, messages)

    def log_success_event(self, kwargs: Details, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """A call has been answered."""
        attempt("finishing a LiteLLM call", _ended, kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: Details, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """A call has failed. Comes before the program sees the exception."""
        attempt("finishing a LiteLLM call", _failed, kwargs, start_time, end_time)

    async def async_log_success_event(
        self, kwargs: Details, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """The same for asynchronous calls, somewhat later and in a task of LiteLLM's own."""
        self.log_success_event(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: Details, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """The same for asynchronous calls."""
        self.log_failure_event(kwargs, response_obj, start_time, end_time)

    async def async_pre_call_deployment_hook(self, kwargs: Details, call_type: Any) -> None:
        """A router has chosen a model: in a proxy the first to know which, after the call was set up. Raises refusals."""
        refusal = attempt("asking the gate", litellm_moments.refusal_of_chosen, kwargs) if is_on() else None
        if refusal is not None:
            raise refusal

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: Any, call_type: Any
    ) -> None:
        """A proxy has a request. One that it only passes through is not set up by anything else. Raises refusals."""
        if is_on() and litellm_passing.is_passed_through(call_type):
            given = self, user_api_key_dict, data
            refusal = attempt("asking the gate", litellm_passing.refusal_of_passed, *given)
            if refusal is not None:
                raise refusal

    async def async_post_call_failure_hook(
        self, request_data: Any, original_exception: Any, user_api_key_dict: Any, traceback_str: Any = None
    ) -> None:
        """A request to a proxy has failed. Of one that was to be passed through nothing else tells."""
        call_id = parts_of(request_data).get("litellm_call_id")
        attempt("finishing a LiteLLM call", litellm_passing.failed_passed, call_id, original_exception)

    def logging_hook(self, kwargs: Details, result: Any, call_type: str) -> tuple[Details, Any]:
        """At the end of a stream this comes from a thread, when the loop that was to tell of it may have ended."""
        whole = kwargs.get("complete_streaming_response")
        if whole is not None:
            start, end = kwargs.get("start_time"), kwargs.get("end_time")
            attempt("finishing a LiteLLM call", _ended, kwargs, whole, start, end)
        return kwargs, result


def _attempted(details: Details, messages: Any) -> None:
    call = details.get(KEY)
    if not isinstance(call, Call):  # recording was off when it began
        call = details[KEY] = Call.here()
    call.attempt(details, messages)


def _ended(details: Details, response: Any, start: Any, end: Any) -> None:
    call = details.get(KEY)
    if isinstance(call, Call):  # or else recording was off when it was made
        call.end(details, litellm_passing.answer_to(call, response), None, start, end)


def _failed(details: Details, start: Any, end: Any) -> None:
    call, error = details.get(KEY), details.get("exception")
    if isinstance(call, Call):
        told = error if isinstance(error, BaseException) else RuntimeError(str(error))
        call.end(details, None, told, start, end)


_the_logger: Final = AgentTraceLogger()
_changing: Final = threading.Lock()


def install() -> Any:
    """Put the one callback in, where it is not in already, and return it."""
    with _changing:
        if not any(each is _the_logger for each in _litellm.callbacks):
            _litellm.callbacks.append(_the_logger)
        litellm_moments.watch()
    return _the_logger


def uninstall() -> None:
    """Take it out of every list that LiteLLM has put it in."""
    with _changing:
        for name in _CALLBACK_LISTS:
            found = getattr(_litellm, name, None)
            if isinstance(found, list):
                found[:] = [each for each in found if each is not _the_logger]
        litellm_moments.unwatch()
