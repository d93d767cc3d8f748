"""What LiteLLM's dict about a call comes to, where no real call shows it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent_trace.integrations.litellm_reading import (
    described,
    input_of,
    metadata_of,
    model_of,
    nanoseconds,
    reading_of,
)


@pytest.mark.parametrize(
    ("amount", "known", "total"),
    [
        (0.0, None, None),
        (0.0, {"input_cost_per_token": 0}, 0),
        (0.00022500000000000002, None, 0.000225),
        (2.5, None, 2.5),
        (-1.0, None, None),
        (float("nan"), None, None),
        (None, None, None),
    ],
)
def test_a_cost_is_a_price_that_litellm_has(amount: Any, known: Any, total: Any) -> None:
    told = {"model_map_information": {"model_map_value": known}}
    reading, _ = reading_of({"response_cost": amount, "standard_logging_object": told}, None)
    assert (None if reading.cost is None else reading.cost["total"]) == total


@pytest.mark.parametrize(
    ("call_type", "name", "kind"),
    [
        ("acompletion", "litellm.completion", "generation"),
        ("atext_completion", "litellm.text_completion", "generation"),
        ("anthropic_messages", "litellm.anthropic_messages", "generation"),
        ("aresponses", "litellm.responses", "generation"),
        ("aembedding", "litellm.embedding", "embedding"),
        ("arerank", "litellm.rerank", "retriever"),
        ("moderation", "litellm.moderation", "guardrail"),
        (None, "litellm.completion", "generation"),
    ],
)
def test_the_name_is_that_of_the_operation_whether_async_or_not(call_type: Any, name: str, kind: str) -> None:
    found = described({"call_type": call_type})
    assert (found.name, found.type) == (name, kind)


def test_a_moment_is_the_same_with_a_zone_and_without() -> None:
    moment = datetime(2026, 11, 22, 10, 0, 0, 123_456, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=9)))
    assert (
        nanoseconds(moment) == nanoseconds(elsewhere) == nanoseconds(moment.astimezone().replace(tzinfo=None))
    )
    assert nanoseconds(moment) % 1_000_000_000 == 123_456_000  # type: ignore[operator]
    assert nanoseconds("yesterday") is None


def test_earlier_requests_and_keys_beside_the_metadata_stay_out() -> None:
    around = {
        "run": 7,
        "previous_models": [{"messages": ["secret"]}],
        "user_api_key": "hash",
        "hidden_params": {},
    }
    found = metadata_of({"litellm_params": {"metadata": around}}, 1)
    assert found == {"run": 7, "litellm": {}}


def test_a_call_without_anything_sent_has_no_input() -> None:
    assert input_of({"call_type": "moderation"}, "default-message-value") is None
    assert input_of({}, None) is None


def test_a_proxys_own_name_for_a_model_is_not_the_model() -> None:
    answer = {"model": "desk", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    details = {"litellm_params": {"metadata": {"model_group": "desk"}}}
    assert reading_of(details, answer)[0].model is None
    assert reading_of({}, answer)[0].model == "desk"


def test_what_a_proxy_knows_of_a_key_is_believed_wherever_it_stands_and_clients_are_not() -> None:
    knows = {"user_api_key_team_id": "acme", "user_api_key_end_user_id": "end-user", "requester_metadata": {}}
    claims = {"user_api_key_team_id": "spoof", "user_api_key_org_id": "spoof", "tenant_id": "spoof"}
    request = {"proxy_server_request": {"body": {}}}
    for params in (
        {"metadata": {**claims, **knows}},
        {"metadata": claims, "litellm_metadata": knows},
        {"metadata": None, "litellm_metadata": knows},
    ):
        scope = described({"litellm_params": {**params, **request}}).scope
        assert (scope["tenant_id"], scope["user_id"]) == ("acme", "end-user")
    beside = {"user_api_key_team_id": None, "user_api_key_hash": "h", "requester_metadata": {}}
    keyless = {"litellm_params": {"metadata": claims, "litellm_metadata": beside, **request}}
    assert described(keyless).scope == {}


def test_a_request_that_a_proxy_turns_away_is_nobodys() -> None:
    claims = {
        "tenant_id": "spoof",
        "user_api_key_hash": "nokey",
        "user_api_key_request_route": "/v1/responses",
    }
    found = described({"call_type": "/v1/responses", "litellm_params": {"metadata": claims}})
    assert (found.name, found.scope) == ("litellm.responses", {})
    sent = [{"role": "user", "content": "default-message-value"}]
    assert input_of({"messages": sent}, sent) is None


def test_what_is_passed_through_has_the_request_as_its_input() -> None:
    body = {"model": "claude", "messages": [{"role": "user", "content": "AAPL?"}]}
    details = {"call_type": "pass_through_endpoint", "additional_args": {"complete_input_dict": body}}
    assert input_of({**details, "input": [{"role": "user", "content": "{...}"}]}, None) == body


@pytest.mark.parametrize(
    ("body", "path", "model"),
    [
        ({"model": "gpt-4o"}, "/openai/v1/chat/completions", "gpt-4o"),
        ({}, "/gemini/v1beta/models/gemini-2.5-flash:generateContent?key=k", "gemini-2.5-flash"),
        (
            {},
            "/vertex_ai/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:predict",
            "gemini-2.5-pro",
        ),
        ({}, "/azure/openai/deployments/desk/chat/completions", "desk"),
        ({}, "/house", None),
    ],
)
def test_what_is_passed_through_names_its_model_in_its_body_or_its_path(
    body: dict[str, Any], path: str, model: str | None
) -> None:
    details = {"call_type": "pass_through_endpoint", "model": "unknown"}
    before = {"litellm_params": {"metadata": {"user_api_key_request_route": path}}}
    for known, url in ((before, None), ({}, f"http://localhost{path}")):
        asked = {"additional_args": {"complete_input_dict": body, "api_base": url}}
        assert model_of({**details, **known, **asked})[0] == model


def test_texts_are_input_and_not_messages() -> None:
    assert input_of({"call_type": "aembedding", "input": ["AAPL"]}, None) == {"input": ["AAPL"]}
    optional = {"instructions": "Be brief."}
    found = input_of({"call_type": "responses", "input": "AAPL?", "optional_params": optional}, None)
    assert found == {"input": "AAPL?", "instructions": "Be brief."}


def test_a_stream_that_reports_no_tokens_was_not_free() -> None:
    answer = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}
    priced = {"response_cost": 0.0, "model": "gpt-4o"}
    reading, _ = reading_of({**priced, "stream": True}, answer)
    assert (reading.usage, reading.cost) == (None, None)
    told = {"prompt_tokens": 3, "completion_tokens": 0}
    reading, _ = reading_of({**priced, "stream": True}, {"choices": [], "usage": told})
    assert reading.usage == {"input": 3, "output": 0}


@pytest.mark.parametrize(
    ("model", "counts", "is_free"),
    [
        ("gpt-4o", {"prompt_tokens": 3, "completion_tokens": 1}, False),
        ("gpt-4o", {"prompt_tokens": 0, "completion_tokens": 0}, True),
        ("omni-moderation-latest", {"prompt_tokens": 3, "completion_tokens": 0}, True),
        ("nobodys-model", {"prompt_tokens": 3, "completion_tokens": 1}, False),
    ],
)
def test_nothing_is_a_price_only_of_what_costs_nothing(
    model: str, counts: dict[str, int], is_free: bool
) -> None:
    """LiteLLM says 0, too, where it finds no tokens in an answer."""
    details = {"response_cost": 0.0, "model": model, "custom_llm_provider": "openai"}
    reading, _ = reading_of(details, {"choices": [], "usage": counts})
    assert (reading.cost is not None) is is_free
    own = {"litellm_params": {"input_cost_per_token": 0.0}}
    assert reading_of({**details, **own}, {"choices": [], "usage": counts})[0].cost is not None
