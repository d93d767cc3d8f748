"""What LiteLLM's proxy passes through to a provider as it came: whose it is, whether it may be made, how it failed.

LiteLLM sets no call up for such a request, and knows what it is about only when it is on its way; before that there is
its proxy's hook alone. The body is read here, and never changed.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Final

from agent_trace.integrations.litellm_calls import KEY, Call, Details
from agent_trace.integrations.litellm_reading import OWNER, PASSED_THROUGH
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.parts import parts_of
from agent_trace.recording.recorder import NOTHING

_LOGGING: Final = "litellm_logging_obj"
_OF_KEY: Final = {
    "user_api_key_team_id": "team_id",
    "user_api_key_org_id": "org_id",
    "user_api_key_user_id": "user_id",
    "user_api_key_end_user_id": "end_user_id",
    "user_api_key_alias": "key_alias",
    "user_api_key_team_alias": "team_alias",
    "user_api_key_request_route": "request_route",
}
"""What LiteLLM calls it in metadata, and on its object about the key."""
_UNPAID: Final = "/langfuse/"
"""Traces of the proxy's clients: no model is asked there, and a spent budget is no reason to lose them."""
_TOLD_OF: Final = ("input_callback", "success_callback", "_async_success_callback")

_latest: Final[ContextVar[weakref.ref[Call] | None]] = ContextVar("agent_trace-passed", default=None)
"""LiteLLM tells of a failure in the context of its request, and takes its own object about the call away before."""


def refusal_of_passed(logger: Any, key: Any, body: Mapping[str, Any]) -> Exception | None:
    """Take note of a request that is about to be passed through, and say what the gate has against it.

    key: what the proxy knows of the key that the request came with.
    body: what will be sent, and in it what LiteLLM knows of the call. A websocket has neither.
    """
    details: Details = getattr(body.get(_LOGGING), "model_call_details", None) or {}
    call = details.get(KEY)
    if not isinstance(call, Call):
        return None
    _have_told(logger)
    owner = {name: getattr(key, attribute, None) for name, attribute in _OF_KEY.items()}
    details[OWNER] = owner
    asked, given = _as_asked(details, body)
    if not given.get("agent_id") and getattr(key, "agent_id", None):
        owner["agent_id"] = key.agent_id  # as LiteLLM does with what it sets up
    call.arrived(asked, frozenset(given))
    _latest.set(weakref.ref(call))
    route = str(owner["user_api_key_request_route"] or "")
    return None if f"{route}/".startswith(_UNPAID) else call.refusal(asked)


def failed_passed(call_id: object, error: BaseException) -> None:
    """The request of this context has failed, if it was one to be passed through."""
    noted = _latest.get()
    call = None if noted is None else noted()
    if call is not None and call.is_called(call_id):
        call.fail(error)


async def passed(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """A whole answer was passed on: around LiteLLM's function that reads it and tells callbacks of it."""
    call = parts_of(getattr(kwargs.get("logging_obj"), "model_call_details", None)).get(KEY)
    if not isinstance(call, Call):
        return await wrapped(*args, **kwargs)
    if kwargs.get("response_body") is not None:
        call.answered(kwargs["response_body"])
    try:
        return await wrapped(*args, **kwargs)
    except Exception:
        # It takes some answers for those of another provider, and fails: embeddings of OpenAI's for Cohere's.
        attempt("giving a LiteLLM call up", call.give_up)
        raise


def answer_to(call: Call, told: Any) -> Any:
    """The answer to a call: as LiteLLM tells it, or as it came where LiteLLM has not read it and tells its text."""
    is_unread = type(told) is dict and told.keys() == {"response"}
    return call.response if is_unread and call.response is not NOTHING else told


def _as_asked(details: Details, body: Mapping[str, Any]) -> tuple[Details, dict[str, Any]]:
    """What LiteLLM will know of the call when it goes on, and the metadata that its client has given."""
    own = frozenset(import_module("litellm.types.utils").all_litellm_params)
    taken = {name: value for name, value in body.items() if name in own and name != _LOGGING}
    sent = {
        name: value for name, value in body.items() if name not in own and not name.startswith("litellm_")
    }
    given = {**parts_of(taken.pop("litellm_metadata", None)), **parts_of(taken.pop("metadata", None))}
    asked = {
        **{name: value for name, value in details.items() if name != KEY},
        "call_type": PASSED_THROUGH,
        "litellm_params": {**taken, "metadata": given, "proxy_server_request": {"body": sent}},
        "additional_args": {"complete_input_dict": sent},
    }
    return asked, given


def _have_told(logger: Any) -> None:
    """LiteLLM copies `callbacks` with the first call that it sets up: there may have been none in this proxy."""
    litellm: Any = import_module("litellm")
    for name in _TOLD_OF:
        told = getattr(litellm, name, None)
        if isinstance(told, list) and not any(each is logger for each in told):
            told.append(logger)


def is_passed_through(call_type: object) -> bool:
    """Whether a proxy's hook is about such a request. Newer versions may say it with an enumeration."""
    return getattr(call_type, "value", call_type) == PASSED_THROUGH
