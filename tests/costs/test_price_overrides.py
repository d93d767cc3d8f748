"""Promises of prices of your own: by pattern and date, before the table's, and the same in every figure."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_trace.costs import price, price_pico, price_source
from agent_trace.costs.overrides import Overrides, read_overrides, use_overrides
from agent_trace.settings import load
from agent_trace.store import Filter, Store
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import content, rebuilt

MILLION = {"input": 1_000_000}


@pytest.fixture(autouse=True)
def no_overrides() -> Iterator[None]:
    use_overrides(Overrides())
    yield
    use_overrides(None)


def own(table: dict[str, Any]) -> None:
    use_overrides(read_overrides(table))


def cost(model: str, usage: dict[str, int], at_ns: int = START_NS) -> Decimal | None:
    found = price(model, usage, at_ns)
    assert price_pico(model, usage, at_ns) == (None if found is None else found.total * 10**12)
    return None if found is None else found.total


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 10**9


def test_a_pattern_prices_what_nobody_knew_and_goes_before_the_table() -> None:
    own({"house-*": {"input": "1.5", "output": 6}, "gpt-4o": {"input": 2}})
    assert cost("house-7b", {**MILLION, "output": 1_000_000}) == Decimal("7.5")
    assert cost("GPT-4o", MILLION) == 2
    assert cost("gpt-4o-mini", MILLION) == Decimal("0.15")
    found = price("house-7b", MILLION, START_NS)
    assert found is not None and found.source == "prices: house-*"


def test_every_class_has_a_rate_or_that_of_its_kind_and_a_call_one_of_its_own() -> None:
    own({"house": {"input": 2, "cache_read": "0.2", "image_input": 8, "request": "0.01"}})
    usage = {"input": 1_000_000, "cache_read": 1_000_000, "image_input": 1_000_000, "audio_input": 1_000_000}
    assert cost("house", usage) == Decimal("12.21")
    assert cost("house", {**usage, "output": 1}) is None


def test_the_most_exact_pattern_wins_and_then_the_latest_day_that_has_come() -> None:
    dated = [{"input": 3, "from": "2025-01-01"}, {"input": 4, "from": "2026-01-01"}]
    own({"*": {"input": 9}, "house-*": {"input": 5}, "house-a": dated})
    assert [cost("house-a", MILLION, at(*day)) for day in ((2024, 12, 31), (2025, 1, 1), (2025, 12, 31))] == [
        5,
        3,
        3,
    ]
    assert cost("house-a", MILLION, at(2026, 1, 1)) == 4
    assert (cost("house-b", MILLION), cost("gpt-4o", MILLION)) == (5, 9)


@pytest.mark.parametrize("name", ["prices.toml", "prices.json"])
def test_a_file_is_read_digit_by_digit(tmp_path: Path, name: str) -> None:
    rate = "0.1000000000000000055511151231257827"
    if name.endswith("toml"):
        (tmp_path / name).write_text(f'["house"]\ninput = {rate}\nfrom = 2020-01-01\n')
    else:
        (tmp_path / name).write_text(f'{{"prices": {{"house": {{"input": {rate}, "from": "2020-01-01"}}}}}}')
    use_overrides(read_overrides(tmp_path / name))
    found = price("house", MILLION, START_NS)
    assert found is not None and str(found.total) == rate


def test_the_setting_may_be_a_table_a_path_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.agent_trace.prices."house"]\ninput = 2.1\nfrom = 2025-01-01\n'
    )
    use_overrides(read_overrides(load(cwd=tmp_path).prices))
    assert cost("house", MILLION) == Decimal("2.1")
    monkeypatch.setenv("AGENT_TRACE_PRICES", "rates.json")
    assert load(cwd=tmp_path).prices == tmp_path / "rates.json"
    monkeypatch.setenv("AGENT_TRACE_PRICES", '{"house": {"input": 3.30}}')
    use_overrides(read_overrides(load(cwd=tmp_path).prices))
    assert cost("house", MILLION) == Decimal("3.3")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"house": {"imput": 1}}, "no class of tokens 'imput'"),
        ({"house": {"input": "cheap"}}, "no amount"),
        ({"house": {"input": -1}}, "no amount"),
        ({"house": {"input": True}}, "no amount"),
        ({"house": {"from": "2025-01-01"}}, "say rates"),
        ({"house": {"input": 1, "from": "soon"}}, "no date"),
        ({"house": 3}, "say rates"),
        ([1], "a table"),
        (Path("/nowhere/prices.toml"), "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_rest_holds(
    given: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    together = {**given, "fine": {"input": 1}} if isinstance(given, dict) else given
    with caplog.at_level(logging.WARNING, "agent_trace"):
        use_overrides(read_overrides(together))
    assert said in caplog.text
    assert cost("house", MILLION) is None
    if isinstance(given, dict):
        assert cost("fine", MILLION) == 1


def test_figures_say_which_prices_they_rest_on() -> None:
    plain = price_source()
    own({"house": {"input": 1}})
    first = price_source()
    own({"house": {"input": 2}})
    assert len({plain, first, price_source()}) == 3
    assert first.startswith(f"{plain} + your own (")


def test_an_index_made_with_other_prices_is_worked_out_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call = {
        "type": "generation",
        "model": "house",
        "tenant_id": "t",
        "usage": {"input": 10**6, "audio_input": 10},
    }
    stated = {**call, "cost": {"total": 7, "currency": "USD"}, "model": "gpt-4o"}
    euros = {**call, "cost": {"total": 7, "currency": "EUR"}}
    write_segment(tmp_path, [record(id="1", **call), record(id="2", **stated), record(id="3", **euros)])
    with Store(tmp_path) as store:
        assert summary(store) == (Decimal(7), 2, Decimal(7), 2)
        own({"house": {"input": 1, "audio_input": 100_000}})
        with caplog.at_level(logging.WARNING, "agent_trace"):
            assert summary(store) == (Decimal(9), 1, Decimal(9), 1)
        assert "prices changed" in caplog.text
        assert store.traces(Filter(min_cost=Decimal("8.5"))) != []
        found = content(store)
    assert found == rebuilt(tmp_path)


def summary(store: Store) -> tuple[Any, ...]:
    (row,), (trace,) = store.costs(by="tenant"), store.traces()
    return row.total, row.unpriced, trace.cost, trace.unpriced


def test_an_observation_read_whole_costs_what_the_index_says(tmp_path: Path) -> None:
    own({"house": {"input": "0.123456789"}})
    write_segment(tmp_path, [record(id="1", type="generation", model="house", usage=MILLION)])
    with Store(tmp_path) as store:
        (row,), (observation,) = store.costs(), store.observations()
        assert row.total == observation.total_cost == Decimal("0.123456789")
        assert json.loads(json.dumps(observation.cost, default=str))["source"] == "prices: house"
