"""From what LiteLLM knows of a call to what an observation says: name, type, scope, input, output, usage, cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from datetime import datetime
from importlib import import_module
from typing import Any, Final, NamedTuple

from agent_trace.integrations.litellm_prices import Details, believed
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.parts import parts_of, text_of
from agent_trace.recording.reading.results import EMPTY, Reading, read_parameters, read_result
from agent_trace.recording.scope import SCOPE_FIELDS

_TYPES: Final = {"embedding": "embedding", "rerank": "retriever", "moderation": "guardrail"}
_OPERATIONS: Final = frozenset(
    {
        *("completion", "text_completion", "embedding", "responses", "rerank", "moderation", "ocr"),
        *("image_generation", "image_edit", "transcription", "speech"),
        *("generate_content", "generate_content_stream"),
    }
)
_MESSAGES: Final = "anthropic_messages"
PASSED_THROUGH: Final = "pass_through_endpoint"
"""LiteLLM's name for what its proxy sends on as it came."""
OWNER: Final = "agent_trace.owner"
"""Where LiteLLM's dict about a call has what a proxy knows of the key, if its client can write the like beside it."""
_UNKNOWN: Final = "unknown"
_IN_PATH: Final = re.compile("/(?:models|deployments)/([^/:?]+)")
"""Where Google and Azure have a model: `/v1beta/models/gemini-2.5-flash:generateContent`."""
_NO_INPUT: Final = "default-message-value"
_OWN_METADATA: Final = frozenset(
    {
        *(
            "hidden_params",
            "model_group",
            "model_group_alias",
            "model_group_size",
            "deployment",
            "model_info",
        ),
        *("deployment_model_name", "api_base", "caching_groups", "previous_models", "attempted_retries"),
        *("attempted_fallbacks", "max_retries", "headers", "endpoint", "raw_request", "requester_metadata"),
        *("requester_ip_address", "user_agent", "spend_logs_metadata", "applied_guardrails", "guardrails"),
        *("disable_global_guardrails", "global_max_parallel_requests", "usage_object", "file_checksum"),
        *("llm_api_timing_windows", "kubernetes_pod_routing", "request_retry_count", "original_model_group"),
        *("mcp_tool_call_metadata", "vector_store_request_metadata", "prompt_management_metadata"),
        *(
            "used_client_oauth_token",
            "actor_agent_id",
            "target_agent_id",
            "billing_agent_id",
            "queue_time_seconds",
        ),
        *("agent_execution_mode", "verified_human_user_id", "inherited_tags", "caller_tags"),
        *("generation_name", "tags", "trace_user_id", *SCOPE_FIELDS),
    }
)
"""What LiteLLM, its router and its proxy put beside the caller's metadata (earlier requests among it), and what has a
place of its own in the record."""

_OWN_PREFIXES: Final = ("user_api_", "litellm_", "_")
_FACTS: Final = ("model_group", "deployment", "attempted_retries", "attempted_fallbacks")
_KEY_FACTS: Final = ("user_api_key_alias", "user_api_key_team_alias", "user_api_key_org_id")


class Described(NamedTuple):
    """How an observation of a call is opened. `scope` has the fields that the call itself names."""

    name: str
    type: str
    scope: dict[str, object]
    headers: Mapping[str, Any]


def described(details: Details) -> Described:
    """Name, type and scope of a call, and the HTTP headers that it came to a proxy with."""
    given, around = _metadata(details)
    operation, request = _operation(details), _request_to_proxy(details)
    headers = request.get("headers") or around.get("headers")
    return Described(
        text_of(given.get("generation_name")) or f"litellm.{operation}",
        _TYPES.get(operation, "generation"),
        _scope(details, given, around),
        headers if isinstance(headers, Mapping) else {},
    )


def input_of(details: Details, messages: Any) -> Any:
    """What the model was sent; `None` when LiteLLM doesn't tell."""
    operation = _operation(details)
    if operation == PASSED_THROUGH:
        # As `input` it has the request as the text of a message.
        return _passed_body(details) or details.get("input") or messages
    if operation == _MESSAGES:
        messages = details.get("messages") or messages
    elif operation not in ("completion", "text_completion"):
        messages = details.get("input") or messages
    content = messages if isinstance(messages, str) else _only_content(messages)
    if messages is None or content == _NO_INPUT:
        return None
    if operation == "transcription" and isinstance(content, str):
        # All that LiteLLM tells of the file; by this name it is known to be no secret.
        return {"file_checksum": content}
    optional = parts_of(details.get("optional_params"))
    around = {name: optional.get(name) for name in ("system", "instructions", "tools") if optional.get(name)}
    return {"messages" if _are_messages(messages) else "input": messages, **around}


def _only_content(messages: Any) -> Any:
    return parts_of(messages[0]).get("content") if isinstance(messages, list) and len(messages) == 1 else None


def _are_messages(sent: Any) -> bool:
    return isinstance(sent, list) and not all(isinstance(each, str | int | list) for each in sent)


def output_of(details: Details, response: Any) -> Any:
    """What came back. Of embeddings, their number and length: nobody reads the numbers."""
    if _operation(details) != "embedding":
        return response
    vectors = parts_of(response).get("data")
    if not isinstance(vectors, list) or not vectors:
        return response
    first = parts_of(vectors[0]).get("embedding")
    return {"vectors": len(vectors), "dimensions": len(first) if isinstance(first, list) else None}


def model_of(details: Details) -> tuple[str | None, dict[str, Any] | None]:
    """The model that was asked, and its parameters."""
    _, parameters = read_parameters({"kwargs": dict(parts_of(details.get("optional_params")))})
    if details.get("stream") is True:
        parameters = {**(parameters or {}), "stream": True}
    return text_of(details.get("model") if not _is_unread(details) else _passed_model(details)), parameters


def _is_unread(details: Details) -> bool:
    """Whether LiteLLM has not looked for a model in what it passes through."""
    return details.get("model") in (None, _UNKNOWN) and _operation(details) == PASSED_THROUGH


def _passed_model(details: Details) -> object:
    """The model that a request names in its body, or else in its path."""
    url = parts_of(details.get("additional_args")).get("api_base")
    paths = url, _metadata(details)[1].get("user_api_key_request_route")
    found = (_IN_PATH.search(str(path)) for path in paths if path)
    return _passed_body(details).get("model") or next((each[1] for each in found if each), None)


def _passed_body(details: Details) -> Mapping[str, Any]:
    return parts_of(parts_of(details.get("additional_args")).get("complete_input_dict"))


def reading_of(details: Details, response: Any) -> tuple[Reading, dict[str, int] | None]:
    """What an answer says of itself, and the counts of one out of a cache: those were paid for before."""
    reading = read_result(response) or EMPTY
    if reading.model is not None and reading.model == _metadata(details)[1].get("model_group"):
        reading = reading._replace(model=None)  # a proxy answers with its own name for the model
    if is_cache_hit(details):
        free = {"total": 0, "currency": "USD", "source": "litellm"}
        return reading._replace(usage={"input": 0, "output": 0}, cost=free), reading.usage
    if details.get("stream") is True and not any((reading.usage or {}).values()):
        return reading._replace(
            usage=None
        ), None  # of a stream that reports nothing, newer versions say that it was free
    return reading._replace(cost=believed(details, reading.usage)), None


def is_cache_hit(details: Details) -> bool:
    """Whether LiteLLM took the answer from its own cache, and asked nobody."""
    return details.get("cache_hit") is True


def metadata_of(details: Details, attempt: int, given: Set[str] | None = None) -> dict[str, Any]:
    """The caller's metadata, and under `litellm` what LiteLLM says of the call.

    given: the only names that can be the caller's; None when that is not known.
    """
    metadata, around = _metadata(details)
    own = {
        key: value
        for key, value in metadata.items()
        if (given is None or key in given or metadata is not around)
        and key not in _OWN_METADATA
        and not str(key).startswith(_OWN_PREFIXES)
    }
    facts = {
        "provider": details.get("custom_llm_provider"),
        "call_id": details.get("litellm_call_id"),
        "cache_hit": is_cache_hit(details) or None,
        "attempt": attempt if attempt > 1 else None,
        **{name: around.get(name) for name in _FACTS},
        **{name.removeprefix("user_api_"): around.get(name) for name in _KEY_FACTS},
    }
    return {**own, "litellm": {name: fact for name, fact in facts.items() if fact not in (None, "")}}


def is_not_to_be_told(details: Details) -> bool:
    """Whether the program wants no callback to know of this call."""
    return parts_of(details.get("litellm_params")).get("no-log") is True


def is_to_be_redacted(details: Details) -> bool:
    """Whether LiteLLM was told to keep messages from its callbacks, for this call or all."""
    redact: Any = import_module("litellm.litellm_core_utils.redact_messages")
    ask = getattr(redact, "should_redact_message_logging", None)
    # What cannot be asked is as good as a yes: a message that was to be hidden cannot be hidden later.
    return ask is None or attempt("asking LiteLLM about redaction", ask, details) is not False


def tags_of(details: Details) -> list[object]:
    """The tags of the call. Those that LiteLLM has for the whole process are left alone: they mix tenants up."""
    tags = _metadata(details)[0].get("tags")
    return list(tags) if isinstance(tags, list | tuple) else []


def nanoseconds(moment: object) -> int | None:
    """LiteLLM's local times as nanoseconds since the epoch."""
    return round(moment.timestamp() * 1e6) * 1_000 if isinstance(moment, datetime) else None


def metadata_of_call(details: Details) -> dict[str, Any]:
    """All the metadata of a call. Where `metadata` is a parameter of the model's own, LiteLLM's is beside it."""
    params = parts_of(details.get("litellm_params"))
    metadata, beside = parts_of(params.get("metadata")), parts_of(params.get("litellm_metadata"))
    beside = {**beside, **parts_of(details.get(OWNER))}
    if beside:
        # There a proxy has what it knows of a key; the other is its client's, who may have written the like.
        metadata = {name: value for name, value in metadata.items() if not str(name).startswith("user_api_")}
    return {**metadata, **beside}


def _operation(details: Details) -> str:
    # A request that a proxy refuses is called by its path.
    called = (text_of(details.get("call_type")) or "completion").rpartition("/")[2]
    return called[1:] if called[:1] == "a" and called[1:] in _OPERATIONS else called


def _metadata(details: Details) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the caller gave, and all that stands around it. In a proxy the caller is the client."""
    around = metadata_of_call(details)
    of_client = around.get("requester_metadata")
    return (of_client if isinstance(of_client, dict) else around), around


def _request_to_proxy(details: Details) -> Mapping[str, Any]:
    return parts_of(parts_of(details.get("litellm_params")).get("proxy_server_request"))


def _is_refused(details: Details, around: Mapping[str, Any]) -> bool:
    """Whether a proxy has turned the request away before it knew whose it is: it goes on with it in no other case."""
    return "user_api_key_request_route" in around and not _request_to_proxy(details)


def _scope(details: Details, given: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, object]:
    """Who the call says it is for. What a proxy knows of its key goes before what a client claims."""
    if _is_refused(details, around):
        return {}
    named: dict[str, object] = {name: given.get(name) for name in SCOPE_FIELDS}
    tenant = around.get("user_api_key_team_id") or around.get("user_api_key_org_id")
    user = around.get("user_api_key_end_user_id") or around.get("user_api_key_user_id")
    asked_for = details.get("user") or parts_of(details.get("optional_params")).get("user")
    if _operation(details) == PASSED_THROUGH:
        asked_for = _passed_body(details).get("user")  # LiteLLM calls them all "unknown"
    session = parts_of(details.get("litellm_params")).get("litellm_session_id")
    named["tenant_id"] = tenant or named["tenant_id"]
    named["agent_id"] = named["agent_id"] or around.get("agent_id")
    named["user_id"] = user or named["user_id"] or given.get("trace_user_id") or asked_for
    named["session_id"] = named["session_id"] or session
    return {name: value for name, value in named.items() if value not in (None, "")}
