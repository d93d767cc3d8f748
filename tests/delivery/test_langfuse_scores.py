"""Scores, and what became of signals, as Langfuse gets them."""

from collections.abc import Iterator

import pytest

from agent_trace.delivery.backend import Item
from agent_trace.delivery.wire.langfuse import LangfuseBackend
from tests.support.observed import END_NS, ID, TRACE_ID, generation, score
from tests.support.otlp_server import OtlpServer


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer("pk", "sk") as server:
        yield server


@pytest.fixture
def backend(server: OtlpServer) -> Iterator[LangfuseBackend]:
    backend = LangfuseBackend("pk", "sk", f"{server.url}/")
    yield backend
    backend.close()


def outcomes(backend: LangfuseBackend, signal: object) -> list[Item]:
    return [item for item in backend.encode(generation(signal=signal)) if item.channel == "scores"]


def test_a_score_arrives_whole(backend: LangfuseBackend, server: OtlpServer) -> None:
    (item,) = backend.encode(score())
    assert item.channel == "scores"
    assert backend.send([item], 5.0).verdict == "accepted"
    assert server.scores == {
        item.id: {
            "id": item.id,
            "traceId": TRACE_ID,
            "observationId": ID,
            "name": "helpful",
            "value": 0.75,
            "dataType": "NUMERIC",
            "comment": "concise",
            "environment": "production",
            "timestamp": "2026-11-22T08:44:53.793868Z",
        }
    }


@pytest.mark.parametrize(
    ("value", "sent", "data_type"),
    [
        (True, 1.0, "BOOLEAN"),
        (False, 0.0, "BOOLEAN"),
        (3, 3.0, "NUMERIC"),
        ("good", "good", "CATEGORICAL"),
        ("x" * 600, "x" * 500, "CATEGORICAL"),
        (float("nan"), "nan", "CATEGORICAL"),
    ],
)
def test_a_value_has_the_type_that_langfuse_demands(
    backend: LangfuseBackend, server: OtlpServer, value: object, sent: object, data_type: str
) -> None:
    backend.send(backend.encode(score(value=value)), 5.0)
    (arrived,) = server.scores.values()
    assert (arrived["value"], arrived["dataType"]) == (sent, data_type)


def test_a_score_that_is_sent_again_has_the_same_id_and_another_score_another(
    backend: LangfuseBackend,
) -> None:
    ids = [backend.encode(score(**each))[0].id for each in ({}, {"comment": "other"}, {"name": "fast"})]
    later = backend.encode({**score(), "at_ns": END_NS + 1})[0].id
    assert ids[0] == ids[1]
    assert len({*ids, later}) == 3


def test_an_environment_that_langfuse_would_refuse_is_corrected_as_it_does_for_spans(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    for environment, sent in (
        ("Prod", "prod"),
        ("langfuse-x", "x"),
        ("a b", "default"),
        ("e" * 50, "e" * 40),
    ):
        (item,) = backend.encode({**score(), "environment": environment})
        backend.send([item], 5.0)
        assert server.scores[item.id]["environment"] == sent


def test_an_outcome_is_a_score_of_the_observation(backend: LangfuseBackend, server: OtlpServer) -> None:
    (item,) = outcomes(backend, {"action": "BUY", "outcome": {"value": 0.031, "comment": "after a day"}})
    backend.send([item], 5.0)
    arrived = server.scores[item.id]
    assert (arrived["name"], arrived["value"], arrived["comment"]) == ("outcome", 0.031, "after a day")
    assert (arrived["traceId"], arrived["observationId"]) == (TRACE_ID, ID)


def test_several_figures_of_an_outcome_are_a_score_each(backend: LangfuseBackend, server: OtlpServer) -> None:
    items = outcomes(backend, {"outcome": {"return": -0.02, "hit": False, "note": None, "exit": "stopped"}})
    backend.send(items, 5.0)
    assert {each["name"]: each["value"] for each in server.scores.values()} == {
        "outcome.return": -0.02,
        "outcome.hit": 0.0,
        "outcome.exit": "stopped",
    }


def test_an_outcome_that_changes_replaces_its_score_and_that_of_another_signal_does_not(
    backend: LangfuseBackend,
) -> None:
    (first,) = outcomes(backend, {"outcome": 1})
    (changed,) = outcomes(backend, {"outcome": 2})
    later = outcomes(backend, {"outcome": 3, "earlier": [{"outcome": 2}]})
    assert first.id == changed.id == later[0].id != later[1].id
    assert outcomes(backend, {"action": "BUY"}) == []


def test_a_server_that_takes_one_score_at_a_time_gets_them_so(backend: LangfuseBackend) -> None:
    with OtlpServer("pk", "sk", takes_lists=False) as older:
        backend = LangfuseBackend("pk", "sk", older.url)
        items = [backend.encode(score(name=str(number)))[0] for number in range(5)]
        assert backend.send(items, 5.0).verdict == "accepted"
        assert older.scores.keys() == {item.id for item in items}
        asked = len(older.requests)
        assert backend.send(items, 5.0).verdict == "accepted"
        assert len(older.requests) == asked + 5
        backend.close()


@pytest.mark.parametrize("takes_lists", [True, False])
def test_a_batch_with_a_poisonous_score_is_refused_and_without_it_taken(takes_lists: bool) -> None:
    with OtlpServer("pk", "sk", takes_lists=takes_lists) as server:
        backend = LangfuseBackend("pk", "sk", server.url)
        items = [backend.encode(score(name=str(number)))[0] for number in range(4)]
        server.refuse(items[2].id)
        answer = backend.send(items, 5.0)
        assert answer.verdict == "refused"
        assert not takes_lists or "bad value" in answer.text
        assert backend.send([items[2]], 5.0).verdict == "refused"
        assert backend.send([*items[:2], items[3]], 5.0).verdict == "accepted"
        assert len(server.scores) == 3
        backend.close()
