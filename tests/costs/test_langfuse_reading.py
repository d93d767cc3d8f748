"""Promises of costs read from Langfuse: all pages, limits respected, and nothing told that was not all there."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_trace import CostTracker
from agent_trace.spending import langfuse, langfuse_api
from tests.support.langfuse_reading import GROUPS, LangfuseReading, langfuse_reading


def observation(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{number:016x}",
        "type": "GENERATION",
        "startTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "model": "gpt-4o",
        "metadata": {"tenant_id": "acme", "agent_id": f"agent-{number % 2}"},
        "usageDetails": {"input": 10, "output": 1, "total": 11},
        "costDetails": {"total": 0.1},
        "totalCost": 0.1,
        **fields,
    }


def tracker_at(server: LangfuseReading, directory: Path, source: Any = "langfuse") -> CostTracker:
    settings = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1", "base_url": server.url}
    return CostTracker({**settings, "directory": str(directory / "none")}, source)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been slept, which is not."""
    slept: list[float] = []
    monkeypatch.setattr(langfuse_api.LangfuseApi.__init__, "__defaults__", (60.0, slept.append, lambda: 0.0))
    return slept


def test_every_page_is_read_and_every_cent_counted(tmp_path: Path) -> None:
    made = [observation(n) for n in range(250)]
    made.append(observation(900, metadata={"tenant_id": "other", "agent_id": "agent-0"}))
    made.append(observation(901, startTime=(datetime.now(UTC) - timedelta(days=40)).isoformat()))
    with langfuse_reading(made, page=100) as server:
        found = tracker_at(server, tmp_path, "auto").get_tenant_costs_sync("acme")
        assert [path for path, _, _ in server.requests].count("/api/public/v2/observations") == 3
        assert all(credentials == "Basic cGstbGYtMTpzay1sZi0x" for _, _, credentials in server.requests)
    assert (found["source"], found["total_cost"], found["calls"]) == ("langfuse", Decimal("25.0"), 250)
    assert found["agents"]["agent-1"]["total_cost"] == Decimal("12.5")
    assert found["agents"]["agent-1"]["models"]["gpt-4o"]["total_tokens"] == 125 * 11


def test_an_agent_is_told_by_tenant(tmp_path: Path) -> None:
    made = [observation(0), observation(2, metadata={"tenant_id": "b", "agent_id": "agent-0"})]
    made.append(observation(4, type="AGENT", usageDetails={}, costDetails={}, totalCost=0))
    with langfuse_reading(made) as server:
        found = tracker_at(server, tmp_path).get_agent_costs_sync("agent-0")
    assert {name: each["calls"] for name, each in found["tenants"].items()} == {"acme": 1, "b": 1}
    assert found["tenants"]["acme"]["invocation_count"] == 1


def test_a_price_that_langfuse_does_not_know_is_unpriced_and_not_zero(tmp_path: Path) -> None:
    made = [observation(1, totalCost=0, costDetails={}, model="house"), observation(3)]
    with langfuse_reading(made) as server:
        found = tracker_at(server, tmp_path).get_tenant_costs_sync("acme")
    assert (found["unpriced_observations"], found["total_cost"]) == (1, Decimal("0.1"))
    assert found["agents"]["agent-1"]["models"]["house"]["total_cost"] is None


def test_a_limit_is_waited_for_as_long_as_it_says_and_a_hiccup_is_asked_again(
    tmp_path: Path, waits: list[float]
) -> None:
    with langfuse_reading([observation(1)]) as server:
        server.failing = [(429, {"Retry-After": "7"}), (500, {}), (429, {})]
        found = tracker_at(server, tmp_path).get_tenant_costs_sync("acme")
    assert (found["source"], found["calls"]) == ("langfuse", 1)
    assert waits == [7.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("status", "asked", "reason"),
    [(500, 4, "500"), (429, 4, "429"), (401, 1, "refuses the keys"), (302, 1, "302"), (404, 1, "404")],
)
def test_what_does_not_get_better_is_unavailable_and_never_zero(
    tmp_path: Path, waits: list[float], status: int, asked: int, reason: str
) -> None:
    with langfuse_reading([observation(1)]) as server:
        server.fails_always = status
        found = tracker_at(server, tmp_path).get_tenant_costs_sync("acme")
        assert len(server.requests) == asked
    assert (found["source"], found["total_cost"], found["agents"]) == ("unavailable", None, {})
    assert reason in found["reason"]


def test_a_limit_that_outlasts_the_patience_is_not_waited_for(tmp_path: Path, waits: list[float]) -> None:
    with langfuse_reading([observation(1)]) as server:
        server.failing = [(429, {"Retry-After": "3600"})]
        assert tracker_at(server, tmp_path).get_tenant_costs_sync("acme")["source"] == "unavailable"
    assert waits == []


def test_fewer_observations_than_were_counted_are_no_answer(tmp_path: Path) -> None:
    with langfuse_reading([observation(n) for n in range(10)]) as server:
        server.hidden = 3
        found = tracker_at(server, tmp_path).get_tenant_costs_sync("acme")
    assert (found["source"], found["reason"]) == ("unavailable", "Langfuse gave 7 of 10 observations")


def test_a_tenant_unknown_to_langfuse_has_spent_nothing(tmp_path: Path) -> None:
    with langfuse_reading([observation(1)]) as server:
        found = tracker_at(server, tmp_path).get_tenant_costs_sync("nobody")
    assert (found["source"], found["total_cost"]) == ("langfuse", 0)


def test_without_keys_or_server_it_is_unavailable(tmp_path: Path) -> None:
    bare = CostTracker({"directory": str(tmp_path), "public_key": "", "secret_key": ""}, "langfuse")
    assert bare.get_tenant_costs_sync("acme")["reason"] == "no Langfuse keys are set"


def test_our_parameters_are_those_of_the_installed_client() -> None:
    import inspect

    from langfuse.api.metrics.raw_client import RawMetricsClient
    from langfuse.api.observations.raw_client import RawObservationsClient

    observations = inspect.getsource(RawObservationsClient.get_many)
    assert '"api/public/v2/observations"' in observations
    assert all(
        f'"{name}": ' in observations for name in ("fields", "expandMetadata", "limit", "cursor", "filter")
    )
    assert '"api/public/v2/metrics"' in inspect.getsource(RawMetricsClient.metrics)


def test_it_asks_what_langfuses_own_client_asks_and_reads_what_that_reads(tmp_path: Path) -> None:
    client_of: Any = pytest.importorskip("langfuse.api.client").LangfuseAPI
    tenant = "a tenant with a long name" * 20
    made = [observation(n, metadata={"tenant_id": tenant, "agent_id": "analyst"}) for n in range(5)]
    with langfuse_reading(made, page=3) as server:
        found = tracker_at(server, tmp_path).get_agent_costs_sync("analyst")
        asked, server.requests = server.requests, []
        client = client_of(base_url=server.url, username="pk-lf-1", password="sk-lf-1")
        (_, query, _), (_, page, _), (_, second, _) = asked
        counted = client.metrics.metrics(query=query["query"])
        given = {
            "fields": page["fields"],
            "expand_metadata": page["expandMetadata"],
            "filter": page["filter"],
        }
        pages = [client.observations.get_many(**given, limit=int(page["limit"]))]
        pages.append(
            client.observations.get_many(**given, limit=int(page["limit"]), cursor=pages[0].meta.cursor)
        )
        assert server.requests == asked, "the same paths, parameters, values and credentials"
    assert second["cursor"] == pages[0].meta.cursor and pages[1].meta.cursor is None
    assert counted.data == [{"count_count": "5"}]
    theirs = [each for page in pages for each in page.data]
    assert {each.metadata["tenant_id"] for each in theirs} == {tenant} == set(found["tenants"])
    assert sum(each.usage_details["input"] for each in theirs) == 50
    assert float(found["total_cost"]) == pytest.approx(sum(each.total_cost for each in theirs))


def test_all_that_is_asked_for_is_in_the_fields_that_langfuse_documents() -> None:
    client = pytest.importorskip("langfuse.api.observations.raw_client").RawObservationsClient
    documented = str(client.get_many.__doc__)
    for group in langfuse._FIELDS.split(","):
        names = re.search(rf"- `{group}` - (.*)", documented)
        assert names is not None, group
        assert set(GROUPS[group]) <= set(re.findall(r"\w+", names[1])), group
