"""ObservabilityContext: what is added lands on the observation that is meant, and nothing replaces anything."""

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.testing import Recorded, recorded


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


@observe_llm
def ask(question: str) -> str:
    return question


@observe_llm(as_type="agent")
def agent(work: object = None) -> object:
    return work() if callable(work) else work


def test_agent_signal_and_error_accumulate_on_the_live_observation(observations: Recorded) -> None:
    def work() -> None:
        ObservabilityContext.add_agent_metadata("analyst", "momentum", exchange="NASDAQ", agent_id="a1")
        ObservabilityContext.add_trading_signal("BUY", 0.8, "rising", symbol="AAPL", horizon="1d")
        ObservabilityContext.add_error("late data", context={"symbol": "AAPL"})

    agent(work)
    found = observations.one()
    assert (found.agent_type, found.agent_name, found.agent_id) == ("analyst", "momentum", "a1")
    assert found.metadata == {"exchange": "NASDAQ"}
    assert found.signal is not None and found.error is not None
    assert found.signal["action"] == "BUY" and found.signal["horizon"] == "1d"
    assert found.error["message"] == "late data" and found.error["context"] == {"symbol": "AAPL"}
    assert found.level == "ERROR"
    assert {"signal:BUY", "confidence:80"} <= set(found.tags)


def test_a_second_signal_keeps_the_first(observations: Recorded) -> None:
    def work() -> None:
        ObservabilityContext.add_trading_signal("BUY", 0.8, "first", symbol="AAPL")
        ObservabilityContext.add_trading_signal("SELL", 0.6, "second", symbol="MSFT")
        ObservabilityContext.add_trading_signal("HOLD", 0.1, "third", symbol="IBM")

    agent(work)
    signal = observations.one().signal
    assert signal is not None and signal["action"] == "HOLD"
    assert [each["action"] for each in signal["earlier"]] == ["BUY", "SELL"]
    assert {"signal:BUY", "signal:SELL", "signal:HOLD"} <= set(observations.one().tags)


def test_the_exception_that_ends_a_call_keeps_the_error_before_it(observations: Recorded) -> None:
    def work() -> None:
        ObservabilityContext.add_error(ValueError("first"))
        raise LookupError("second")

    with pytest.raises(LookupError):
        agent(work)
    error = observations.one().error
    assert error is not None and error["type"] == "LookupError"
    assert error["earlier"][0]["message"] == "first"


def test_after_the_call_returned_it_amends_the_observation(observations: Recorded) -> None:
    answer = ask("up or down?")
    ObservabilityContext.add_trading_signal(answer, 70, "parsed later")
    amendment = observations.records[-1]
    assert amendment["kind"] == "amendment"
    assert amendment["id"] == observations.one().id
    assert amendment["signal"]["action"] == "up or down?"


def test_inside_an_agent_it_goes_to_the_agent_even_after_a_call_below_returned(
    observations: Recorded,
) -> None:
    def work() -> None:
        ask("a")
        ObservabilityContext.add_trading_signal("BUY", 1, "")

    agent(work)
    assert observations.one("agent").signal is not None
    assert observations.one("ask").signal is None


def test_with_no_observation_at_all_nothing_happens(observations: Recorded) -> None:
    import contextvars

    def in_fresh_context() -> None:
        ObservabilityContext.add_agent_metadata("a", "b")
        ObservabilityContext.add_trading_signal("BUY", 1, "")
        ObservabilityContext.add_error("e")
        ObservabilityContext.add_handoff("a", "b")
        ObservabilityContext.score("s", 1)

    contextvars.Context().run(in_fresh_context)
    assert observations.records == []


def test_after_asyncio_run_it_goes_to_what_finished_in_there(observations: Recorded) -> None:
    @observe_llm
    async def second() -> None: ...

    ask("first")
    asyncio.run(second())
    ObservabilityContext.add_trading_signal("BUY", 1, "")
    amendment = observations.records[-1]
    assert amendment["id"] == next(each.id for each in observations if each.name.endswith("second"))


def test_after_asyncio_run_it_needs_nothing_observed_before(observations: Recorded) -> None:
    @observe_llm
    async def first() -> None: ...

    asyncio.run(first())
    ObservabilityContext.add_trading_signal("BUY", 1, "")
    assert observations.records[-1]["id"] == observations.one().id


def test_it_never_goes_to_another_tenants_observation(observations: Recorded) -> None:
    def serve(tenant: str, asks: bool) -> None:
        with ObservabilityContext.scope(tenant_id=tenant):
            if asks:
                ask(tenant)
            ObservabilityContext.add_trading_signal(tenant, 1, "")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(serve, "A", True).result()
        pool.submit(serve, "B", False).result()
    serve("C", True)
    serve("D", False)
    a, c = copy_context(), copy_context()
    a.run(serve, "E", True)
    c.run(serve, "F", True)
    a.run(serve, "E", False)
    owners = {each.id: each.tenant_id for each in observations}
    amended = [
        (owners[each["id"]], each["signal"]["action"]) for each in observations.records if "signal" in each
    ]
    assert amended == [("A", "A"), ("C", "C"), ("E", "E"), ("F", "F"), ("E", "E")]


def test_signals_of_many_threads_to_one_observation_are_all_kept(observations: Recorded) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work() -> None:
        with ThreadPoolExecutor(8) as pool:
            for n in range(400):
                pool.submit(ObservabilityContext.add_trading_signal, "BUY", n, "")

    try:
        agent(work)
    finally:
        sys.setswitchinterval(interval)
    signal = observations.one("agent").signal
    assert signal is not None and len(signal["earlier"]) == 399


def test_leaving_a_scope_that_was_not_entered_does_nothing(observations: Recorded) -> None:
    ObservabilityContext.scope(tenant_id="a").__exit__(None, None, None)


def test_in_a_task_it_goes_to_what_finished_in_that_task(observations: Recorded) -> None:
    @observe_llm
    async def slow(name: str, delay_s: float) -> str:
        await asyncio.sleep(delay_s)
        return name

    async def work(name: str, delay_s: float) -> None:
        await slow(name, delay_s)
        await asyncio.sleep(0.05 - delay_s)
        ObservabilityContext.add_trading_signal(name, 1, "")

    async def go() -> None:
        await asyncio.gather(work("a", 0.03), work("b", 0.01), work("c", 0.02))

    asyncio.run(go())
    names = {each.id: each.output for each in observations}
    signals = [each for each in observations.records if each["kind"] == "amendment"]
    assert len(signals) == 3
    assert all(names[each["id"]] == each["signal"]["action"] for each in signals)


def test_a_handoff_after_the_trace_has_ended_belongs_to_it(observations: Recorded) -> None:
    agent(None)
    ObservabilityContext.add_handoff("supervisor", "risk")
    parent, handoff = observations
    assert (handoff.trace_id, handoff.parent_id) == (parent.trace_id, parent.id)


class Hostile:
    def __str__(self) -> str:
        raise ValueError

    __repr__ = __str__


def test_nothing_it_is_given_makes_it_raise(observations: Recorded) -> None:
    def work() -> None:
        hostile = Hostile()
        ObservabilityContext.add_agent_metadata(hostile, hostile, x=hostile)
        ObservabilityContext.add_trading_signal(hostile, hostile, hostile, hostile, y=hostile)
        ObservabilityContext.add_error(hostile, hostile)
        ObservabilityContext.add_handoff(hostile, hostile, reason=hostile)
        ObservabilityContext.score(hostile, hostile, hostile)  # type: ignore[arg-type]
        with ObservabilityContext.scope(tenant_id=hostile):
            pass

    agent(work)
    assert observations.one("agent").signal is not None


def test_what_the_agent_opens_belongs_to_the_agent(observations: Recorded) -> None:
    def work() -> None:
        ask("before")
        ObservabilityContext.add_agent_metadata("risk", "guard", agent_id="r1")
        ask("after")

    agent(work)
    before, after, _ = observations
    assert before.agent_id is None
    assert (after.agent_id, after.agent_type, after.agent_name) == ("r1", "risk", "guard")


def test_scope_is_inherited_widened_and_left(observations: Recorded) -> None:
    with ObservabilityContext.scope(tenant_id="acme", user_id="u"):
        ask("outer")
        with ObservabilityContext.scope(session_id="s", tenant_id=None):
            ask("inner")
    ask("after")
    outer, inner, after = observations
    assert (outer.tenant_id, outer.user_id, outer.session_id) == ("acme", "u", None)
    assert (inner.tenant_id, inner.user_id, inner.session_id) == ("acme", "u", "s")
    assert (after.tenant_id, after.session_id) == (None, None)


def test_scope_inside_an_agent_keeps_the_agent(observations: Recorded) -> None:
    def work() -> None:
        ObservabilityContext.add_agent_metadata("risk", "guard", agent_id="r1")
        with ObservabilityContext.scope(tenant_id="acme"):
            ask("inner")

    agent(work)
    inner = observations.one("ask")
    assert (inner.agent_id, inner.tenant_id) == ("r1", "acme")


def test_scopes_of_concurrent_tasks_never_mix(observations: Recorded) -> None:
    @observe_llm
    async def slow(question: str) -> str:
        await asyncio.sleep(0.001)
        return question

    async def serve(n: int) -> None:
        with ObservabilityContext.scope(tenant_id=f"t{n}"):
            await slow(f"t{n}")

    async def go() -> None:
        await asyncio.gather(*(serve(n) for n in range(50)))

    asyncio.run(go())
    assert len(observations) == 50
    assert all(each.tenant_id == each.output for each in observations)


def test_scopes_of_concurrent_threads_never_mix(observations: Recorded) -> None:
    def serve(n: int) -> None:
        with ObservabilityContext.scope(tenant_id=f"t{n}"):
            ask(f"t{n}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(serve, range(200)))
    assert len(observations) == 200
    assert all(each.tenant_id == each.output for each in observations)


def test_a_handoff_is_an_event_below_the_agent(observations: Recorded) -> None:
    def work() -> None:
        ObservabilityContext.add_handoff("supervisor", "risk")
        ObservabilityContext.add_handoff("risk", "execution", valid=False, reason="limit", strictness="high")

    with ObservabilityContext.scope(tenant_id="acme"):
        agent(work)
    good, bad, parent = observations
    assert (good.name, good.type, good.level) == ("handoff:supervisor->risk", "event", "DEFAULT")
    assert good.parent_id == parent.id
    assert good.metadata == {
        "source_agent": "supervisor",
        "target_agent": "risk",
        "valid": True,
        "tenant_id": "acme",
    }
    assert (bad.level, bad.status_message) == ("WARNING", "handoff rejected: limit")
    assert bad.metadata["strictness"] == "high"


@pytest.mark.parametrize(
    ("value", "data_type"), [(0.5, "NUMERIC"), (1, "NUMERIC"), (True, "BOOLEAN"), ("good", "CATEGORICAL")]
)
def test_a_score_says_what_kind_it_is(
    observations: Recorded, value: float | bool | str, data_type: str
) -> None:
    ask("a")
    ObservabilityContext.score("quality", value, comment="by hand")
    record = observations.records[-1]
    assert (record["kind"], record["id"]) == ("score", observations.one().id)
    assert record["score"] == {
        "name": "quality",
        "value": value,
        "data_type": data_type,
        "comment": "by hand",
    }
