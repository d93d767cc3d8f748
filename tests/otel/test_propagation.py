"""A trace goes from process to process: W3C headers in and out, variables for children; nothing of it raises."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.context import attach, detach
from opentelemetry.propagators.composite import CompositePropagator

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.recording import guard, process
from agent_trace.testing import Recorded, recorded

TRACE, SPAN = f"{0xABC:032x}", f"{0xDEF:016x}"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


@observe_llm
def ask(work: Any = None) -> Any:
    return work() if callable(work) else work


def test_what_is_injected_is_the_observation_that_runs(observations: Recorded) -> None:
    headers = ask(lambda: ObservabilityContext.inject({"Accept": "*/*"}))
    found = observations.one()
    assert headers == {"Accept": "*/*", "traceparent": f"00-{found.trace_id}-{found.id}-01"}


def test_the_same_object_is_returned_and_older_headers_are_replaced_whatever_their_case(
    observations: Recorded,
) -> None:
    headers = {"Traceparent": PARENT, "TraceState": "a=1"}
    assert ask(lambda: ObservabilityContext.inject(headers)) is headers
    assert list(headers) == ["traceparent"]
    assert headers["traceparent"] != PARENT


def test_with_nothing_current_headers_stay_as_they_are() -> None:
    assert ObservabilityContext.inject({"Traceparent": PARENT}) == {"Traceparent": PARENT}


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": PARENT},
        {"TraceParent": PARENT},
        {"TRACEPARENT": f" {PARENT} "},
        {b"traceparent": PARENT.encode()},
        {"traceparent": [PARENT]},
        [(b"host", b"x"), (b"traceparent", PARENT.encode())],
    ],
)
def test_what_is_opened_inside_is_a_child_of_the_sender(observations: Recorded, headers: Any) -> None:
    with ObservabilityContext.extract(headers):
        ask(1)
    ask(2)
    inside, after = observations
    assert (inside.trace_id, inside.parent_id) == (TRACE, SPAN)
    assert after.parent_id is None and after.trace_id != TRACE


@pytest.mark.parametrize(
    "headers",
    [
        {},
        None,
        7,
        {"traceparent": ""},
        {"traceparent": "nonsense"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"},
        {"traceparent": "x" * 10_000},
        {"traceparent": None},
        {"traceparent": 7},
        {7: 7},
        [(b"traceparent",)],
        {"tracestate": "a=1"},
        {"baggage": "a=b," * 10_000},
        [b"traceparent"],
    ],
)
def test_broken_headers_change_nothing_and_raise_nothing(
    observations: Recorded, headers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with ObservabilityContext.extract(headers):
        ask(1)
    assert observations.one().parent_id is None
    assert [each for each in caplog.records if each.name.startswith("opentelemetry")] == []
    guard.failures.pop("entering a context", None)


def test_headers_that_cannot_be_written_to_raise_nothing(observations: Recorded) -> None:
    class Refusing(dict[str, str]):
        def update(self, *_: Any, **__: Any) -> None:
            raise TypeError("read-only")

    refusing = Refusing()
    assert ask(lambda: ObservabilityContext.inject(refusing)) is refusing
    assert ObservabilityContext.inject(None) is None  # type: ignore[type-var]


def test_an_exception_leaves_the_block_as_it_is(observations: Recorded) -> None:
    with pytest.raises(ValueError, match="mine"), ObservabilityContext.extract({"traceparent": PARENT}):
        raise ValueError("mine")
    ask(1)
    assert observations.one().parent_id is None


def test_tracestate_and_baggage_go_on_to_the_next(observations: Recorded) -> None:
    headers = {"traceparent": PARENT, "tracestate": "vendor=x,other=y", "baggage": "desk=7"}
    with ObservabilityContext.extract(headers):
        assert baggage.get_baggage("desk") == "7"
        sent = ask(lambda: ObservabilityContext.inject({}))
    found = observations.one()
    assert sent == {
        "traceparent": f"00-{TRACE}-{found.id}-01",
        "tracestate": "vendor=x,other=y",
        "baggage": "desk=7",
    }


def test_older_baggage_is_replaced_whatever_its_case(observations: Recorded) -> None:
    with ObservabilityContext.extract({"baggage": "desk=7"}):
        assert ObservabilityContext.inject({"Baggage": "desk=6"}) == {"baggage": "desk=7"}


def test_a_state_is_not_passed_on_into_another_trace(observations: Recorded) -> None:
    with ObservabilityContext.extract({"traceparent": PARENT, "tracestate": "vendor=x"}):
        with ObservabilityContext.extract({"traceparent": f"00-{1:032x}-{2:016x}-01"}):
            sent = ask(lambda: ObservabilityContext.inject({}))
    assert "tracestate" not in sent


def test_the_programs_global_propagator_makes_no_difference(observations: Recorded) -> None:
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator([]))
    try:
        with ObservabilityContext.extract({"traceparent": PARENT}):
            sent = ask(lambda: ObservabilityContext.inject({}))
    finally:
        propagate.set_global_textmap(before)
    assert sent["traceparent"].startswith(f"00-{TRACE}-")


def test_opentelemetrys_own_propagation_carries_our_observations(observations: Recorded) -> None:
    def work() -> dict[str, str]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier

    carrier = ask(work)
    token = attach(propagate.extract(carrier))
    ask(1)
    detach(token)
    first, second = observations
    assert (second.trace_id, second.parent_id) == (first.trace_id, first.id)


def test_switched_off_a_trace_is_passed_on(observations: Recorded) -> None:
    process.current().disable()
    with ObservabilityContext.extract({"traceparent": PARENT, "tracestate": "vendor=x"}):
        sent = ask(lambda: ObservabilityContext.inject({}))
    assert sent == {"traceparent": PARENT, "tracestate": "vendor=x"}
    assert observations.lines == []


def test_a_block_can_be_left_in_another_order_without_a_word(observations: Recorded) -> None:
    block = ObservabilityContext.extract({"traceparent": PARENT})
    with block, block:
        assert trace.get_current_span().get_span_context().span_id == 0xDEF
    assert not trace.get_current_span().get_span_context().is_valid


def test_variables_for_a_child_name_the_observation_that_runs(
    observations: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    monkeypatch.setenv("TRACESTATE", "vendor=x")
    monkeypatch.setenv("DESK", "7")
    variables = ask(ObservabilityContext.environment)
    found = observations.one()
    assert variables["TRACEPARENT"] == f"00-{found.trace_id}-{found.id}-01"
    assert variables["DESK"] == "7" and "TRACESTATE" not in variables
    assert os.environ["TRACEPARENT"] == PARENT
    assert ask(lambda: ObservabilityContext.environment({"A": "1"})).keys() == {"A", "TRACEPARENT"}


def test_with_nothing_current_a_child_gets_what_this_process_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    assert ObservabilityContext.environment()["TRACEPARENT"] == PARENT
    assert ObservabilityContext.environment({}) == {}


def test_a_real_child_process_finds_its_parent_in_the_variables(observations: Recorded) -> None:
    code = "import os; print(os.environ['TRACEPARENT'])"

    def work() -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, capture_output=True, text=True, env=ObservabilityContext.environment()
        ).stdout

    told = ask(work)
    assert told.split("-")[1:3] == [observations.one().trace_id, observations.one().id]
