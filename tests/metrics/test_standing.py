"""The counts of a store: kept in it, the same for whoever asks, going on whatever becomes of segments and processes."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from agent_trace.metrics import collector as collector_module
from agent_trace.metrics import following
from agent_trace.metrics.collector import StoreCollector
from agent_trace.metrics.standing import LOCK, STATE
from tests.support.backends import DOWN, MemoryBackend, forward
from tests.support.prometheus import Samples, parsed, samples_of, total, value
from tests.support.segments import record, write_segment


def generations(first: int, count: int, tenant: str = "acme") -> list[dict[str, Any]]:
    return [
        record(id=f"{n:x}", type="generation", model="gpt-4o", tenant_id=tenant, usage={"input": 10})
        for n in range(first, first + count)
    ]


class Endpoint:
    """One process's endpoint, as far as a store can tell."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.registry = CollectorRegistry()
        self.collector = StoreCollector(lambda: directory, **options)
        self.registry.register(self.collector)

    def scrape(self) -> Samples:
        return parsed(generate_latest(self.registry).decode())


def requests(samples: Samples) -> float:
    return total(samples, "llm_requests_total")


def test_each_scrape_counts_what_is_new_and_nothing_again(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path)
    write_segment(tmp_path, generations(1, 3))
    assert [requests(endpoint.scrape()) for _ in range(2)] == [3, 3]
    write_segment(tmp_path, generations(10, 4), started_s=1)
    assert [requests(endpoint.scrape()) for _ in range(2)] == [7, 7]


def test_two_endpoints_of_a_store_always_tell_the_same(tmp_path: Path) -> None:
    one, other = Endpoint(tmp_path), Endpoint(tmp_path)
    for n in range(4):
        write_segment(tmp_path, generations(1 + 10 * n, 5, f"t{n}"), started_s=n)
        first, second = (one, other) if n % 2 else (other, one)
        assert first.scrape() == second.scrape()
    assert requests(one.scrape()) == requests(Endpoint(tmp_path).scrape()) == 20


def test_counts_stay_when_segments_are_removed_also_after_a_restart(tmp_path: Path) -> None:
    path = write_segment(tmp_path, generations(1, 5))
    assert requests(Endpoint(tmp_path).scrape()) == 5
    path.unlink()
    write_segment(tmp_path, generations(10, 2), started_s=1)
    assert requests(Endpoint(tmp_path).scrape()) == 7
    assert len(json.loads((tmp_path / STATE).read_bytes())["places"]) == 1


def test_what_was_learned_of_earlier_records_outlives_a_restart(tmp_path: Path) -> None:
    agent = {"type": "agent", "agent_id": "a", "tenant_id": "t"}
    write_segment(tmp_path, [record("opened", id="1", **agent), record(id="2", parent_id="1", **agent)])
    inner = record(id="4", parent_id="3", type="generation", model="m")
    write_segment(tmp_path, [inner], started_s=1)
    Endpoint(tmp_path).scrape()
    signal = record("amendment", id="2", signal={"action": "BUY"})
    later = [record(id="1", **agent), record(id="3", type="generation", model="m"), signal]
    write_segment(tmp_path, later, started_s=2)
    found = Endpoint(tmp_path).scrape()
    assert total(found, "agent_invocations_total") == 1
    assert requests(found) == 1
    assert value(found, "agent_signals_total", agent_id="a", tenant_id="t", action="BUY") == 1


def test_an_old_store_is_served_once_it_has_been_read_and_not_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        write_segment(tmp_path, generations(1 + 10 * n, 5), started_s=n)
    seen = []
    for _ in range(4):
        found = Endpoint(tmp_path, within_s=0).scrape()  # a new process each time, with time for one piece
        seen.append((requests(found), value(found, "agent_trace_metrics_caught_up")))
    assert seen == [(0, 0), (0, 0), (0, 0), (15, 1)]


def test_while_another_process_counts_the_last_figures_are_served(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path, within_s=0.05)
    write_segment(tmp_path, generations(1, 3))
    assert requests(endpoint.scrape()) == 3
    write_segment(tmp_path, generations(10, 3), started_s=1)
    with open(tmp_path / LOCK) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert requests(endpoint.scrape()) == 3
    assert requests(endpoint.scrape()) == 6


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"v":2}', b'{"v":1}', b'{"v":1,"counting":{},"places":{}}']
)
def test_a_damaged_state_file_is_made_anew_from_the_journal(tmp_path: Path, content: bytes) -> None:
    write_segment(tmp_path, generations(1, 3))
    (tmp_path / STATE).write_bytes(content)
    assert requests(Endpoint(tmp_path).scrape()) == 3
    assert requests(Endpoint(tmp_path).scrape()) == 3
    assert json.loads((tmp_path / STATE).read_bytes())["has_caught_up"] is True


def test_in_a_store_that_may_not_be_written_to_the_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()  # what root may not open either
    endpoint = Endpoint(tmp_path)
    write_segment(tmp_path, generations(1, 3))
    assert requests(endpoint.scrape()) == 3
    write_segment(tmp_path, generations(10, 3), started_s=1)
    assert requests(endpoint.scrape()) == 6
    assert not (tmp_path / STATE).exists()


def test_a_disk_that_is_full_costs_no_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / f"{STATE}.new").mkdir()
    endpoint = Endpoint(tmp_path)
    for n in range(3):
        write_segment(tmp_path, generations(1 + 10 * n, 3), started_s=n)
        assert requests(endpoint.scrape()) == 3 * (n + 1)
    assert len([each for each in caplog.records if "cannot be written" in each.message]) == 1


def test_lost_records_count_as_they_are_reported_and_stay(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path)
    path = write_segment(tmp_path, generations(1, 1), lost={"disk_full": 3})
    write_segment(tmp_path, generations(2, 1), lost={"disk_full": 2, "too_long": 1}, started_s=1)
    for _ in range(2):
        found = endpoint.scrape()
        assert value(found, "agent_trace_lost_records_total", reason="disk_full") == 5
        assert value(found, "agent_trace_lost_records_total", reason="too_long") == 1
    path.unlink()
    assert value(endpoint.scrape(), "agent_trace_lost_records_total", reason="disk_full") == 5


def test_a_segment_of_a_newer_version_is_left_out(tmp_path: Path) -> None:
    path = write_segment(tmp_path, generations(1, 2))
    content = path.read_bytes().replace(b'"v": 1', b'"v": 9', 1)
    path.write_bytes(content)
    write_segment(tmp_path, generations(10, 3), started_s=1)
    assert requests(Endpoint(tmp_path).scrape()) == 3


def test_a_store_that_is_not_there_yet_is_empty_and_is_not_made(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path / "store")
    assert requests(endpoint.scrape()) == 0
    assert not (tmp_path / "store").exists()
    assert requests(Endpoint(tmp_path).scrape()) == 0 and list(tmp_path.iterdir()) == []
    write_segment(tmp_path / "store", generations(1, 2))
    assert requests(endpoint.scrape()) == 2


def test_the_state_file_is_private(tmp_path: Path) -> None:
    write_segment(tmp_path, generations(1, 1))
    samples_of(tmp_path)
    assert {os.stat(tmp_path / name).st_mode & 0o777 for name in (STATE, LOCK)} == {0o600}


def test_a_failure_of_ours_leaves_the_rest_of_the_endpoint_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint(tmp_path)

    def fail(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(collector_module.StoreCollector, "_of_store", fail)
    assert requests(endpoint.scrape()) == 0


def test_every_metric_is_described_before_anything_was_recorded(tmp_path: Path) -> None:
    text = generate_latest(Endpoint(tmp_path).registry).decode()
    for metric in collector_module.catalogue.METRICS:
        assert f"# TYPE {metric.name} {metric.kind}" in text


def test_the_ledger_of_each_backend_is_told_and_adds_up(tmp_path: Path) -> None:
    write_segment(tmp_path, generations(1, 4), lost={"disk_full": 2})
    down = MemoryBackend("otlp", lambda items: DOWN)
    forward(tmp_path, MemoryBackend("langfuse"), down)
    found = Endpoint(tmp_path).scrape()
    name = "agent_trace_ledger_records"
    assert value(found, name, consumer="langfuse", state="delivered") == 4
    assert value(found, name, consumer="otlp", state="pending") == 4
    for consumer in ("langfuse", "otlp"):
        recorded = value(found, name, consumer=consumer, state="recorded")
        assert recorded == 6 and total(found, name, consumer=consumer) == 2 * recorded


def test_a_scrape_without_news_writes_nothing_and_reads_no_finished_segment_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_segment(tmp_path, generations(1, 3), lost={"disk_full": 2})
    with open(path, "rb") as writer:  # whose process lives, as far as its lock tells
        fcntl.flock(writer, fcntl.LOCK_EX)
        endpoint = Endpoint(tmp_path)
        endpoint.scrape()
        before = os.stat(tmp_path / STATE)
        assert requests(endpoint.scrape()) == 3
        assert os.stat(tmp_path / STATE) == before
    assert requests(endpoint.scrape()) == 3
    monkeypatch.setattr(following, "read_lines", None)
    assert requests(endpoint.scrape()) == requests(Endpoint(tmp_path).scrape()) == 3
