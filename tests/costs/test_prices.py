"""Promises of the prices: exact, never guessed, and the same sums as the table's own calculator."""

import decimal
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.types import TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.costs import price, price_pico, recorded_cost
from agent_trace.costs.models import priced_model

AT_NS = 1_763_800_000 * 10**9
AT = datetime.fromtimestamp(AT_NS / 1e9, UTC)


def total_of(model: str, usage: dict[str, int], at_ns: int = AT_NS) -> Decimal | None:
    cost = price(model, usage, at_ns)
    return None if cost is None else cost.total


def theirs(model: str, usage: dict[str, int], at: datetime = AT) -> Decimal:
    """The table's own calculator, given counts that include one another as it wants them."""
    counts = {
        "input_tokens": usage["input"] + usage["cache_read"] + usage["cache_write"],
        "cache_read_tokens": usage["cache_read"],
        "cache_write_tokens": usage["cache_write"],
        "output_tokens": usage["output"] + usage["reasoning"],
        "output_reasoning_tokens": usage["reasoning"],
    }
    calculation = genai_prices.calc_price(genai_prices.Usage(**counts), model, genai_request_timestamp=at)
    return calculation.total_price


COUNTS = st.fixed_dictionaries(
    {
        each: st.integers(0, 3_000_000)
        for each in ("input", "output", "cache_read", "cache_write", "reasoning")
    }
)
MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5",
    "o3",
    "claude-sonnet-4-5",
    "claude-opus-4-1",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "deepseek-chat",
    "deepseek-reasoner",
    "grok-4",
    "mistral-large-latest",
)


def test_a_million_input_tokens_of_gpt_4o_cost_two_dollars_fifty() -> None:
    cost = price("gpt-4o", {"input": 1_000_000}, AT_NS)
    assert cost is not None
    assert cost.total == Decimal("2.50")
    assert str(cost.total) == "2.5"
    assert cost.currency == "USD"
    assert cost.source == f"genai-prices {genai_prices.__version__}"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(MODELS), COUNTS)
def test_sums_equal_those_of_the_tables_own_calculator(model: str, usage: dict[str, int]) -> None:
    assert total_of(model, usage) == theirs(model, usage)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from((*MODELS, "house", "openrouter/openai/gpt-4o")), COUNTS)
def test_whole_numbers_for_sums_say_the_same_as_decimals(model: str, usage: dict[str, int]) -> None:
    total = total_of(model, usage)
    assert price_pico(model, usage, AT_NS) == (None if total is None else total * 10**12)


@pytest.mark.parametrize("inputs", [0, 1, 128_000, 128_001, 200_000, 200_001, 272_000, 272_001])
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gemini-2.5-pro", "gemini-1.5-pro", "gpt-5.4"])
def test_whole_numbers_change_at_the_very_token_at_which_a_tier_begins(model: str, inputs: int) -> None:
    usage = {"input": inputs // 2, "cache_read": inputs - inputs // 2, "output": 7}
    total = total_of(model, usage)
    assert price_pico(model, usage, AT_NS) == (None if total is None else total * 10**12)


@given(COUNTS, st.integers(1_700_000_000, 1_790_000_000))
@settings(max_examples=100, deadline=None)
def test_prices_that_change_with_the_day_or_the_hour_are_those_of_that_moment(
    usage: dict[str, int], at_s: int
) -> None:
    at = datetime.fromtimestamp(at_s, UTC)
    for model in ("deepseek-chat", "o3", "gemini-2.5-flash"):
        assert total_of(model, usage, at_s * 10**9) == theirs(model, usage, at)


def test_two_hours_of_one_day_may_have_two_prices() -> None:
    usage = {"input": 1000, "output": 100, "cache_read": 0, "cache_write": 0, "reasoning": 0}
    found = set()
    for hour in (2, 12, 18):
        at = datetime(2025, 3, 5, hour, tzinfo=UTC)
        mine = total_of("deepseek-chat", usage, int(at.timestamp()) * 10**9)
        assert mine == theirs("deepseek-chat", usage, at)
        found.add(mine)
    assert len(found) == 2


def test_every_model_of_the_table_with_plain_token_rates_sums_up_alike() -> None:
    usage = {"input": 1234, "output": 567, "cache_read": 250_001, "cache_write": 0, "reasoning": 0}
    compared = 0
    for provider in providers:
        for model in provider.models:
            mine = price(model.id, usage, AT_NS, provider=provider.id)
            if mine is not None and priced_model(model.id, provider.id) is not None:
                counts = genai_prices.Usage(
                    input_tokens=251_235, cache_read_tokens=250_001, output_tokens=567
                )
                found = genai_prices.calc_price(
                    counts, model.id, provider_id=provider.id, genai_request_timestamp=AT
                )
                assert mine.total == found.total_price, (provider.id, model.id)
                compared += 1
    assert compared > 500


def test_a_tier_counts_for_all_tokens_once_input_and_cache_together_are_beyond_it() -> None:
    below = total_of("claude-sonnet-4-5", {"input": 100_000, "cache_read": 100_000})
    beyond = total_of("claude-sonnet-4-5", {"input": 100_000, "cache_read": 100_001})
    assert below == Decimal("0.33")
    assert beyond is not None and beyond > Decimal("0.65")


def test_parts_add_up_to_the_total() -> None:
    cost = price("claude-sonnet-4-5", {"input": 10, "output": 20, "cache_read": 30, "cache_write": 40}, AT_NS)
    assert cost is not None
    assert set(cost.parts) == {"input", "output", "cache_read", "cache_write"}
    assert sum(cost.parts.values()) == cost.total


def test_cached_tokens_without_a_rate_of_their_own_cost_what_input_costs() -> None:
    assert total_of("openrouter/openai/gpt-4o", {"cache_read": 1_000_000}) == Decimal("2.5")


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o",
        "openai:gpt-4o",
        "azure/gpt-4o",
        "GPT-4o",
        " gpt-4o ",
        "gpt-4o-2024-08-06",
        "litellm_proxy/openai/gpt-4o",
    ],
)
def test_a_name_as_gateways_and_snapshots_write_it_is_the_same_model(name: str) -> None:
    assert total_of(name, {"input": 1_000_000}) == Decimal("2.5")


@pytest.mark.parametrize(
    ("name", "dollars"),
    [
        ("models/gemini-2.5-pro", "0.125"),
        ("vertex_ai/gemini-2.5-pro", "0.125"),
        ("gemini/gemini-2.5-pro", "0.125"),
        ("claude-sonnet-4-5-20250929", "0.3"),
        ("anthropic/claude-sonnet-4-5", "0.3"),
        ("bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0", "0.3"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "0.3"),
        ("xai/grok-4", "0.3"),
        ("text-embedding-3-small", "0.002"),
    ],
)
def test_names_of_other_houses_are_found(name: str, dollars: str) -> None:
    assert total_of(name, {"input": 100_000}) == Decimal(dollars)


@pytest.mark.parametrize(
    "name",
    [
        "trading-desk-1",
        "ollama/deepseek-r1",
        "llama3.1:8b",
        "ft:gpt-4o-mini:acme::123",
        "gpt-4o-house",
        "",
        "/",
        ":",
    ],
)
def test_an_unknown_model_has_no_price_rather_than_zero(name: str) -> None:
    assert price(name, {"input": 1000}, AT_NS) is None


def test_no_model_or_no_usage_has_no_price() -> None:
    assert price(None, {"input": 1000}, AT_NS) is None
    assert price("gpt-4o", {}, AT_NS) is None
    assert price("gpt-4o", None, AT_NS) is None


def test_a_class_of_tokens_that_the_model_has_no_rate_for_leaves_the_call_unpriced() -> None:
    assert price("gpt-4o", {"input": 10, "quanta": 5}, AT_NS) is None
    assert price("gpt-4o", {"input": 10, "quanta": 0}, AT_NS) is not None


def test_a_provider_that_the_table_does_not_know_is_not_replaced_by_another() -> None:
    assert price("gpt-4o", {"input": 10}, AT_NS, provider="my-own-gpu") is None


def test_audio_has_rates_of_its_own_where_the_model_has_them() -> None:
    plain, audio = (
        total_of("gemini-2.5-flash", {"input": 1000}),
        total_of("gemini-2.5-flash", {"audio_input": 1000}),
    )
    assert plain is not None and audio is not None
    assert audio > plain
    assert total_of("gpt-4o", {"audio_output": 1000}) == total_of("gpt-4o", {"output": 1000})


def test_a_total_alone_has_no_price() -> None:
    assert price("gpt-4o", {"total": 1000}, AT_NS) is None


def test_the_programs_own_decimal_context_does_not_round_money() -> None:
    usage = {"input": 123_456_789, "output": 987_654_321}
    expected = total_of("gpt-4o", usage)
    with decimal.localcontext() as context:
        context.prec = 3
        assert total_of("gpt-4o", usage) == expected


def test_a_cost_that_the_provider_returned_is_read_digit_by_digit() -> None:
    cost = recorded_cost({"input": 0.1, "output": "0.2", "total": 0.30000000000000004})
    assert cost is not None
    assert cost.to_record() == {
        "input": Decimal("0.1"),
        "output": Decimal("0.2"),
        "total": Decimal("0.30000000000000004"),
        "currency": "USD",
        "source": "provider",
    }


@pytest.mark.parametrize(
    "cost", [None, {}, {"total": None}, {"total": "free"}, {"total": True}, {"total": -1}, 3]
)
def test_a_cost_without_a_usable_total_is_none(cost: object) -> None:
    assert recorded_cost(cost) is None


def test_the_table_still_has_a_tiered_price_for_these_tests_to_look_at() -> None:
    found = priced_model("claude-sonnet-4-5")
    assert found is not None
    assert isinstance(vars(found._model.get_prices(AT))["input_mtok"], TieredPrices)
