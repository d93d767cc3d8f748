"""What LiteLLM's dict about a call comes to, where no real call shows it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent_trace.integrations.litellm_reading import described, input_of, metadata_of, nanoseconds, reading_of


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
