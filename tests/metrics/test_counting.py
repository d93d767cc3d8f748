"""What records count: the metrics of a store, read back as Prometheus reads them."""

from pathlib import Path
from typing import Any

import pytest

from agent_trace.metrics.catalogue import METRICS
from tests.support.prometheus import counted, total, value
from tests.support.segments import START_NS, record

SECOND = 1_000_000_000
ACME = {"tenant_id": "acme"}


def took(seconds: float, **fields: Any) -> dict[str, Any]:
    return {"start_ns": START_NS, "end_ns": START_NS + round(seconds * SECOND), **fields}


def generation(id: str = "9", **fields: Any) -> dict[str, Any]:
    return record(**{"id": id, "type": "generation", "model": "gpt-4o", **ACME, **fields})


def agent(id: str = "8", kind: str = "observation", **fields: Any) -> dict[str, Any]:
    return record(kind, **{"id": id, "type": "agent", "agent_id": "analyst", **ACME, **fields})


def test_the_named_metrics_have_the_labels_that_dashboards_ask_for() -> None:
    found = {metric.name: (metric.kind, set(metric.labels)) for metric in METRICS}
    assert (
        found.items()
        >= {
            "agent_invocations_total": ("counter", {"agent_id", "tenant_id", "status"}),
            "agent_invocation_duration_seconds": ("histogram", {"agent_id", "tenant_id"}),
            "handoff_validations_total": (
                "counter",
                {"source_agent", "target_agent", "strictness", "result"},
            ),
            "supervisor_tasks_total": ("counter", {"tenant_id", "decomposed", "status"}),
            "context_compilation_duration_seconds": ("histogram", {"tenant_id", "model_tier"}),
            "llm_requests_total": ("counter", {"model", "tenant_id", "status"}),
            "llm_request_duration_seconds": ("histogram", {"model", "tenant_id"}),
            "llm_tokens_used_total": ("counter", {"model", "tenant_id", "token_type"}),
        }.items()
    )


def test_an_agent_counts_as_an_invocation_with_status_and_duration(tmp_path: Path) -> None:
    failed = agent("2", level="ERROR", **took(200))
    found = counted(tmp_path, agent("1", **took(0.3)), failed)
    whose = {"agent_id": "analyst", "tenant_id": "acme"}
    assert value(found, "agent_invocations_total", status="success", **whose) == 1
    assert value(found, "agent_invocations_total", status="error", **whose) == 1
    name = "agent_invocation_duration_seconds"
    bounds = ["0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "120.0", "+Inf"]
    counts = [value(found, f"{name}_bucket", le=bound, **whose) for bound in bounds]
    assert counts == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    assert value(found, f"{name}_count", **whose) == 2
    assert value(found, f"{name}_sum", **whose) == pytest.approx(200.3)


def test_a_duration_on_a_bound_belongs_to_its_bucket(tmp_path: Path) -> None:
    found = counted(tmp_path, agent(**took(0.1)))
    whose = {"agent_id": "analyst", "tenant_id": "acme"}
    assert value(found, "agent_invocation_duration_seconds_bucket", le="0.1", **whose) == 1


def test_a_cancelled_execution_is_no_success(tmp_path: Path) -> None:
    cancelled = {"type": "asyncio.CancelledError", "message": ""}
    found = counted(tmp_path, agent(level="WARNING", error=cancelled))
    assert total(found, "agent_invocations_total", status="error") == 1
    assert total(found, "agent_invocations_total") == 1


def test_an_agent_directly_inside_an_execution_of_itself_counts_once(tmp_path: Path) -> None:
    outer, inner = agent("1", "opened"), agent("2", "opened", parent_id="1")
    found = counted(tmp_path, outer, inner, agent("2", parent_id="1", **took(1)), agent("1", **took(2)))
    assert total(found, "agent_invocations_total") == 1
    assert total(found, "agent_invocation_duration_seconds_sum") == 2


def test_with_something_between_them_it_still_counts_once(tmp_path: Path) -> None:
    between = [record(id="3", parent_id="2"), record(id="2", parent_id="1")]
    inner = agent("4", parent_id="3", **took(1))
    found = counted(
        tmp_path,
        agent("1", "opened"),
        agent("4", "opened", parent_id="3"),
        inner,
        *between,
        agent("1", **took(5)),
    )
    assert total(found, "agent_invocations_total") == 1
    assert total(found, "agent_invocation_duration_seconds_sum") == 5


def test_the_same_agent_in_another_trace_meanwhile_counts_at_once(tmp_path: Path) -> None:
    other = agent("4", parent_id="3", trace_id="2")
    found = counted(tmp_path, agent("1", "opened"), agent("4", "opened", parent_id="3", trace_id="2"), other)
    assert total(found, "agent_invocations_total") == 1


def test_what_waited_in_vain_counts_when_the_execution_around_it_has_ended(tmp_path: Path) -> None:
    lost = agent("4", parent_id="3")  # what lies between never ended
    found = counted(tmp_path, agent("1", "opened"), agent("4", "opened", parent_id="3"), lost, agent("1"))
    assert total(found, "agent_invocations_total") == 2


def test_the_same_agent_called_by_another_one_counts_again(tmp_path: Path) -> None:
    opened = [
        agent("1", "opened"),
        agent("2", "opened", parent_id="1", agent_id="risk"),
        agent("3", "opened", parent_id="2"),
    ]
    closed = [agent("3", parent_id="2"), agent("2", parent_id="1", agent_id="risk"), agent("1")]
    found = counted(tmp_path, *opened, *closed)
    assert total(found, "agent_invocations_total", agent_id="analyst") == 2
    assert total(found, "agent_invocations_total", agent_id="risk") == 1


def test_agents_side_by_side_below_one_root_count_each(tmp_path: Path) -> None:
    root = {"id": "1", "type": "chain", **ACME}
    beside = [agent(id, "opened", parent_id="1") for id in "23"]
    found = counted(
        tmp_path, record("opened", **root), *beside, agent("2", parent_id="1"), agent("3", parent_id="1")
    )
    assert total(found, "agent_invocations_total") == 2


def test_the_same_agent_for_another_tenant_counts_again(tmp_path: Path) -> None:
    found = counted(tmp_path, agent("1", "opened"), agent("2", parent_id="1", tenant_id="globex"), agent("1"))
    assert total(found, "agent_invocations_total") == 2


def test_an_agent_that_nobody_named_counts_under_the_name_of_what_was_called(tmp_path: Path) -> None:
    found = counted(tmp_path, record(type="agent", name="Desk.decide"))
    assert value(
        found, "agent_invocations_total", agent_id="Desk.decide", tenant_id="unknown", status="success"
    )


def test_a_generation_counts_as_a_request_with_status_and_duration(tmp_path: Path) -> None:
    found = counted(
        tmp_path, generation("1", **took(3)), generation("2", level="ERROR"), generation("3", model=None)
    )
    whose = {"model": "gpt-4o", "tenant_id": "acme"}
    assert value(found, "llm_requests_total", status="success", **whose) == 1
    assert value(found, "llm_requests_total", status="error", **whose) == 1
    assert value(found, "llm_requests_total", status="success", model="unknown", tenant_id="acme") == 1
    assert value(found, "llm_request_duration_seconds_bucket", le="5.0", **whose) == 2
    assert value(found, "llm_request_duration_seconds_bucket", le="2.5", **whose) == 1


def test_of_requests_inside_each_other_the_innermost_counts(tmp_path: Path) -> None:
    # decorated wrapper > span > client, as they finish
    found = counted(
        tmp_path,
        generation("3", parent_id="2", **took(1)),
        record(id="2", parent_id="1"),
        generation("1", model="alias", **took(5)),
    )
    assert total(found, "llm_requests_total") == 1
    assert total(found, "llm_requests_total", model="gpt-4o") == 1
    assert total(found, "llm_request_duration_seconds_sum") == 1


def test_every_try_of_a_retried_request_counts(tmp_path: Path) -> None:
    tries = [generation("2", parent_id="1", level="ERROR"), generation("3", parent_id="1")]
    found = counted(tmp_path, *tries, generation("1"))
    assert total(found, "llm_requests_total", status="error") == 1
    assert total(found, "llm_requests_total", status="success") == 1


def test_tokens_are_counted_by_class_and_nothing_twice(tmp_path: Path) -> None:
    usage = {"input": 100, "cache_read": 900, "output": 7, "reasoning": 3}
    inner = generation("2", parent_id="1", usage=usage)
    cost = {"total": 7, "currency": "USD"}  # of the same call, as the one around it was told
    outer = generation("1", reported_usage={"input": 1000, "output": 10}, cost=cost)
    found = counted(tmp_path, inner, outer)
    assert total(found, "llm_cost_usd_total") < 1
    for token_type, count in usage.items():
        assert value(found, "llm_tokens_used_total", model="gpt-4o", token_type=token_type, **ACME) == count
    assert total(found, "llm_tokens_used_total") == 1010


def test_a_million_input_tokens_of_gpt_4o_cost_exactly_2_50(tmp_path: Path) -> None:
    found = counted(tmp_path, generation(usage={"input": 1_000_000}, agent_id="analyst"))
    assert value(found, "llm_cost_usd_total", model="gpt-4o", agent_id="analyst", **ACME) == 2.5


def test_a_sum_of_many_small_costs_is_exact(tmp_path: Path) -> None:
    found = counted(tmp_path, *(generation(f"{n:x}", usage={"input": 4}) for n in range(1, 1001)))
    assert total(found, "llm_cost_usd_total") == 0.01


def test_a_cost_that_the_provider_returned_wins_and_what_nobody_can_price_is_counted(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        generation("1", usage={"input": 1_000_000}, cost={"total": 0.5, "currency": "USD"}),
        generation("2", model="nobody-knows", usage={"input": 10}),
        generation("3", usage={"input": 10}, cost={"total": 5, "currency": "EUR"}),
        generation("4", model="nobody-knows"),
    )
    assert total(found, "llm_cost_usd_total") == 0.5
    assert value(found, "llm_unpriced_requests_total", model="nobody-knows", **ACME) == 1
    assert total(found, "llm_unpriced_requests_total") == 2


def test_handoffs_count_by_result(tmp_path: Path) -> None:
    def handoff(id: str, valid: bool, **more: str) -> dict[str, Any]:
        metadata = {"source_agent": "a", "target_agent": "b", "valid": valid, **more}
        return record(id=id, type="event", name="handoff:a->b", metadata=metadata)

    found = counted(tmp_path, handoff("1", True), handoff("2", False, strictness="high"))
    agents = {"source_agent": "a", "target_agent": "b"}
    assert value(found, "handoff_validations_total", strictness="unknown", result="valid", **agents) == 1
    assert value(found, "handoff_validations_total", strictness="high", result="invalid", **agents) == 1


def test_signals_count_also_those_that_are_added_later(tmp_path: Path) -> None:
    buy = {"action": "BUY", "earlier": [{"action": "HOLD"}]}
    later = record("amendment", id="9", signal={"action": "SELL"})
    found = counted(tmp_path, generation(agent_id="analyst", signal=buy), later)
    for action in ("BUY", "HOLD", "SELL"):
        assert value(found, "agent_signals_total", agent_id="analyst", action=action, **ACME) == 1


def test_records_count_by_kind(tmp_path: Path) -> None:
    found = counted(
        tmp_path, agent("1", "opened"), agent("1"), record("score", score={"name": "s", "value": 1})
    )
    assert {
        kind: total(found, "agent_trace_records_total", kind=kind)
        for kind in ("opened", "observation", "score")
    } == {
        "opened": 1,
        "observation": 1,
        "score": 1,
    }


@pytest.mark.parametrize(
    "broken",
    [
        b'{"v":1,"kind":"observation"}\n',
        b'{"v":1,"kind":"observation","id":7,"start_ns":"x"}\n',
        b'{"kind":["observation"],"id":"1"}\n',
        b"[1]\n",
        b"not json\n",
        record(
            type=["generation"], model={}, usage=[1], cost=3, metadata=4, signal=5, agent_id={}, end_ns="x"
        ),
        record(type="generation", usage={"input": -1, "output": 1.5, "x": 1 << 60}, model="gpt-4o"),
        record(type="agent", parent_id=7, end_ns=1, level=4, error=0),
        record("amendment", signal={"action": ["x"], "earlier": [1, None]}),
        record(type="event", name="handoff:", metadata={"source_agent": {}}),
    ],
)
def test_a_record_that_makes_no_sense_breaks_nothing(tmp_path: Path, broken: Any) -> None:
    found = counted(tmp_path, broken, agent())
    assert (
        value(found, "agent_invocations_total", agent_id="analyst", tenant_id="acme", status="success") == 1
    )
