"""Real LiteLLM: when a call returns it is written, a spent budget refuses it before, and nobody counts it twice."""

import asyncio
import contextlib
import hashlib
import inspect
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agent_trace import (
    ObservabilityContext,
    Store,
    instrument_litellm,
    instrument_providers,
    observe_llm,
    uninstrument_litellm,
)
from agent_trace.errors import BudgetExceeded
from agent_trace.integrations import litellm_moments
from agent_trace.recording.process import steps
from agent_trace.settings import load
from agent_trace.spending import gate as gates
from agent_trace.spending.states import BudgetState, write_states
from agent_trace.testing import Recorded, recorded
from tests.support.litellm_calls import ASKED
from tests.support.llm_server import USAGE, LlmServer, Refusal
from tests.support.programs import run_program

litellm: Any = pytest.importorskip("litellm")


STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def at(server: LlmServer, model: str = "openai/gpt-4o", **more: Any) -> dict[str, Any]:
    address = {"api_base": server.openai_url, "api_key": "sk-none", "max_retries": 0}
    return {"model": model, "messages": ASKED, **address, **more}


def router_of(server: LlmServer) -> Any:
    asked = {name: value for name, value in at(server).items() if name != "messages"}
    return litellm.Router(
        model_list=[{"model_name": name, "litellm_params": asked} for name in ("main", "spare")],
        fallbacks=[{"main": ["spare"]}],
        num_retries=2,
    )


def sync_call(server: LlmServer) -> Any:
    return litellm.completion(**at(server))


def streamed(server: LlmServer) -> Any:
    return list(litellm.completion(**at(server, **STREAM)))


def with_retries(server: LlmServer) -> Any:
    return litellm.completion(**at(server, num_retries=2))


def embedded(server: LlmServer) -> Any:
    asked = {"api_base": server.openai_url, "api_key": "sk-none"}
    return litellm.embedding(model="openai/text-embedding-3-small", input=["AAPL"], **asked)


def of_claude(server: LlmServer) -> Any:
    return litellm.completion(**at(server, "anthropic/claude-sonnet-4-5", api_base=server.url, max_tokens=9))


def responses(server: LlmServer) -> Any:
    asked = {"api_base": server.url, "api_key": "sk-none", "max_output_tokens": 9}
    return litellm.responses(model="anthropic/claude-sonnet-4-5", input="AAPL?", **asked)


def routed(server: LlmServer) -> Any:
    return router_of(server).completion(model="main", messages=ASKED)


async def async_call(server: LlmServer) -> Any:
    return await litellm.acompletion(**at(server))


async def async_streamed(server: LlmServer) -> Any:
    return [each async for each in await litellm.acompletion(**at(server, **STREAM))]


async def async_with_retries(server: LlmServer) -> Any:
    return await litellm.acompletion(**at(server, num_retries=2))


WAYS: list[Callable[[LlmServer], Any]] = [
    *(sync_call, streamed, with_retries, of_claude, responses, routed),
    *(async_call, async_streamed, async_with_retries),
]


def of_gpt(server: LlmServer, **more: Any) -> dict[str, Any]:
    address = {"api_base": server.openai_url, "api_key": "sk-none"}
    return {"model": "openai/gpt-4o", "input": "AAPL?", **address, **more}


def asked_for(server: LlmServer) -> Any:
    return litellm.responses(**of_gpt(server))


def asked_for_stream(server: LlmServer) -> Any:
    return list(litellm.responses(**of_gpt(server, stream=True)))


async def async_asked_for(server: LlmServer) -> Any:
    return await litellm.aresponses(**of_gpt(server))


async def async_asked_for_stream(server: LlmServer) -> Any:
    return [each async for each in await litellm.aresponses(**of_gpt(server, stream=True))]


RESPONSES = [asked_for, asked_for_stream, async_asked_for, async_asked_for_stream]


def run(way: Callable[[LlmServer], Any], server: LlmServer, then: Callable[[], Any] = lambda: None) -> Any:
    """Make a call, and do something as soon as it has returned, before its loop goes on."""

    async def whole() -> Any:
        await way(server)
        return then()

    if inspect.iscoroutinefunction(way):
        return asyncio.run(whole())
    way(server)
    return then()


@pytest.mark.parametrize("way", [*WAYS, *RESPONSES, embedded], ids=lambda way: way.__name__)
def test_when_a_call_returns_its_observation_is_written(
    observations: Recorded, server: LlmServer, way: Callable[[LlmServer], Any]
) -> None:
    (found,) = run(way, server, lambda: list(observations))
    assert found.level == "DEFAULT" and found.usage["input"] > 0
    assert found.cost["source"] == "litellm" and found.cost["total"] > 0
    time.sleep(0.2)  # LiteLLM tells of it now
    assert len(observations) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_so_is_an_answer_out_of_the_cache(observations: Recorded, server: LlmServer, is_async: bool) -> None:
    litellm.cache = litellm.Cache(type="local")
    asked = at(server, user=f"moments-{is_async}")

    async def twice() -> int:
        await litellm.acompletion(**asked)
        await asyncio.sleep(0.2)  # the cache is filled by a task of its own
        await litellm.acompletion(**asked)
        return len(observations)

    if is_async:
        assert asyncio.run(twice()) == 2
    else:
        litellm.completion(**asked)
        litellm.completion(**asked)
        assert len(observations) == 2
    paid, free = observations
    assert (paid.usage, free.usage) == (USAGE, {"input": 0, "output": 0})
    assert len(server.requests) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_what_falls_back_is_one_observation_for_each_model_that_was_asked(
    observations: Recorded, server: LlmServer, is_async: bool
) -> None:
    server.plan(Refusal(400))
    asked = at(server, fallbacks=["openai/gpt-4o-mini"])

    async def work() -> None:
        await litellm.acompletion(**asked)
        await asyncio.sleep(0.2)

    if is_async:
        asyncio.run(work())
    else:
        litellm.completion(**asked)
    time.sleep(0.2)
    assert [(each.model, each.level, each.usage) for each in observations] == [
        ("gpt-4o", "ERROR", None),
        ("gpt-4o-mini", "DEFAULT", USAGE),
    ]


@pytest.mark.parametrize("is_told_first", [False, True])
@pytest.mark.parametrize("way", RESPONSES, ids=lambda way: way.__name__)
def test_a_response_is_the_programs_whoever_tells_of_it_first(
    observations: Recorded, server: LlmServer, request: pytest.FixtureRequest, way: Any, is_told_first: bool
) -> None:
    """Callbacks are told its counts as chat completions have them, and at the end of a stream a copy with all defaults."""
    if is_told_first:
        request.getfixturevalue("told_first")
    assert run(way, server, lambda: len(observations)) == 1
    (found,) = observations
    assert found.cost == {"total": 9.5e-05, "currency": "USD", "source": "litellm"}
    assert (found.usage, found.finish_reason) == (USAGE, "completed")
    assert found.output["usage"]["input_tokens_details"] == {"cached_tokens": 4}
    assert found.output["object"] == "response" and "incomplete_details" not in found.output


def test_a_model_without_a_price_costs_an_unknown_amount_also_through_a_router(
    observations: Recorded, server: LlmServer
) -> None:
    """A router puts its models in LiteLLM's list of prices, the second one with prices of 0; so they cost 0 from then on."""
    params = {name: each for name, each in at(server, "openai/unpriced").items() if name != "messages"}
    for _ in range(2):
        router = litellm.Router(model_list=[{"model_name": "main", "litellm_params": params}])
        router.completion(model="main", messages=ASKED)
    told = [(each.model, each.usage, each.cost) for each in observations]
    assert told == [("unpriced", USAGE, None)] * 2


@pytest.mark.parametrize("model", ["gpt-4o", "house-model"])
def test_what_a_router_is_told_to_cost_nothing_costs_nothing(
    observations: Recorded, server: LlmServer, model: str
) -> None:
    params = {name: each for name, each in at(server, f"openai/{model}").items() if name != "messages"}
    free = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
    router = litellm.Router(model_list=[{"model_name": "main", "litellm_params": {**params, **free}}])
    router.completion(model="main", messages=ASKED)
    (found,) = observations
    assert found.cost == {"total": 0, "currency": "USD", "source": "litellm"}


def test_a_model_that_costs_nothing_costs_nothing(observations: Recorded, server: LlmServer) -> None:
    free = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "litellm_provider": "openai"}
    litellm.register_model({"house-free": free})
    litellm.completion(**at(server, "openai/house-free"))
    (found,) = observations
    assert found.cost == {"total": 0, "currency": "USD", "source": "litellm"}


KILLED = """
import asyncio, os, signal, sys
import litellm
from agent_trace import ObservabilityContext, instrument_litellm
instrument_litellm()
asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "AAPL?"}], "mock_response": "HOLD"}
def die(): os.kill(os.getpid(), signal.SIGKILL)
async def work():
    await litellm.acompletion(**asked); die()
"""


@pytest.mark.parametrize(
    "program",
    [
        "list(litellm.completion(**asked, stream=True)); die()",
        "asyncio.run(work())",
    ],
)
def test_a_call_that_has_returned_survives_a_kill(tmp_path: Path, program: str) -> None:
    done = run_program(KILLED, program, tmp_path, LITELLM_LOCAL_MODEL_COST_MAP="True", AGENT_TRACE_QUIET="1")
    assert done.returncode == -9, done.stderr
    with Store(tmp_path / "store") as store:
        (found,) = store.observations()
    assert found.usage is not None and found.usage["output"] > 0
    assert "HOLD" in str(found.output)


def places() -> dict[tuple[str, str], Any]:
    return {
        (module, name): litellm_moments._place(module, name)[2]
        for module, name, _ in litellm_moments._WRAPPED
        if module not in litellm_moments._IMPORTED_LATER
    }


def test_undone_every_function_is_the_one_that_was_there() -> None:
    before = places()
    assert None not in before.values(), "this version of LiteLLM has them all"
    instrument_litellm()
    instrument_litellm()
    assert all(type(each).__name__ == "FunctionWrapper" for each in places().values())
    assert all(type(each.__wrapped__).__name__ == "function" for each in places().values())
    uninstrument_litellm()
    after = places()
    assert all(after[place] is found for place, found in before.items())


def test_the_program_gets_the_very_objects_of_litellm(observations: Recorded, server: LlmServer) -> None:
    stream = litellm.completion(**at(server, stream=True))
    assert type(stream) is litellm.CustomStreamWrapper
    assert type(litellm.completion(**at(server))) is litellm.ModelResponse
    list(stream)


# ---- budgets


@pytest.fixture
def spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observations: Recorded) -> Callable[..., None]:
    """Have a budget be spent: for whom, by kind."""
    monkeypatch.setattr(gates, "watch", lambda *_: None)

    def have(**scope: str) -> None:
        now_ns = time.time_ns()
        limit = {"scope": scope, "limit": Decimal(1), "spent": Decimal(2), "unpriced": 0, "window": "day"}
        times = {"since_ns": now_ns - 10**9, "until_ns": now_ns + 10**12}
        write_states(tmp_path, [BudgetState(**limit, **times, on_exceeded="raise")])  # type: ignore[arg-type]
        budgets = [{**scope, "limit": 1, "on_exceeded": "raise"}]
        steps().gate = gates.make_gate(load({"budgets": budgets, "directory": tmp_path}))

    return have


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_call_beyond_its_budget_is_not_made_and_the_refusal_is_recorded(
    observations: Recorded, server: LlmServer, spent: Callable[..., None], way: Callable[[LlmServer], Any]
) -> None:
    spent(tenant="acme")
    with ObservabilityContext.scope(tenant_id="acme"), pytest.raises(BudgetExceeded, match="tenant acme"):
        run(way, server)
    assert server.requests == []
    assert len(observations) <= 2, "LiteLLM's router turns to its fallback, and tries nothing again"
    assert {(each.level, each.tenant_id, each.error["type"]) for each in observations} == {  # type: ignore[index]
        ("ERROR", "acme", "agent_trace.errors.BudgetExceeded")
    }
    with ObservabilityContext.scope(tenant_id="globex"):
        run(way, server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        ({"model": "gpt-4o"}, True),
        ({"model": "gpt-4o-mini"}, False),
        ({"tenant": "of-the-call"}, True),
        ({"agent": "analyst"}, True),
        ({"agent": "analyst", "model": "gpt-4*"}, True),
    ],
)
def test_a_budget_is_that_of_the_model_and_of_whom_the_call_names(
    observations: Recorded,
    server: LlmServer,
    spent: Callable[..., None],
    scope: dict[str, str],
    refused: bool,
) -> None:
    spent(**scope)
    asked = at(server, metadata={"tenant_id": "of-the-call", "agent_id": "analyst"})
    try:
        litellm.completion(**asked)
    except BudgetExceeded:
        assert refused
    else:
        assert not refused
    assert len(server.requests) == (not refused)


SPENDING = """
import asyncio, time
import litellm
from agent_trace import ObservabilityContext, instrument_litellm
from agent_trace.errors import BudgetExceeded
instrument_litellm()
asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "AAPL?"}], "mock_response": "HOLD"}
"""


def test_a_program_that_only_asks_litellm_is_stopped_when_its_budget_is_spent(tmp_path: Path) -> None:
    program = """
    with ObservabilityContext.scope(tenant_id="acme"):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                litellm.completion(**asked)
            except BudgetExceeded as error:
                print(error)
                break
            time.sleep(0.05)
        try:
            asyncio.run(litellm.acompletion(**asked))
        except BudgetExceeded:
            print("async as well")
    print(litellm.completion(**asked).choices[0].message.content)
    """
    budgets = '[{"tenant": "acme", "limit": 0.0002, "window": "day", "on_exceeded": "raise"}]'
    variables = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "AGENT_TRACE_QUIET": "1",
        "AGENT_TRACE_BUDGETS": budgets,
    }
    done = run_program(SPENDING, program, tmp_path, **variables)
    first, *rest = done.stdout.splitlines()
    assert first.startswith("the budget of tenant acme is spent: $0.00"), done.stderr
    assert rest == ["async as well", "HOLD"]
    assert "tenant acme has spent its budget" in done.stderr


PAID: dict[str, tuple[str, dict[str, Any]]] = {
    "embedding": ("openai/text-embedding-3-small", {"input": ["AAPL"]}),
    "text_completion": ("openai/gpt-3.5-turbo-instruct", {"prompt": "AAPL?"}),
    "responses": ("openai/gpt-4o", {"input": "AAPL?"}),
    "image_generation": ("openai/dall-e-3", {"prompt": "AAPL"}),
    "transcription": ("openai/whisper-1", {"file": ("call.wav", b"RIFF")}),
    "speech": ("openai/tts-1", {"input": "BUY", "voice": "alloy"}),
    "rerank": ("cohere/rerank-v3.5", {"query": "AAPL", "documents": ["AAPL rises"]}),
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("operation", PAID)
def test_whatever_else_is_paid_for_is_not_made_either(
    observations: Recorded,
    server: LlmServer,
    spent: Callable[..., None],
    operation: str,
    is_async: bool,
) -> None:
    spent(tenant="acme")
    model, asked = PAID[operation]
    given = {"model": model, **asked, "api_base": server.openai_url, "api_key": "sk-none"}
    with ObservabilityContext.scope(tenant_id="acme"), pytest.raises(BudgetExceeded, match="tenant acme"):
        if is_async:
            asyncio.run(getattr(litellm, f"a{operation}")(**given))
        else:
            getattr(litellm, operation)(**given)
    assert server.requests == []
    (found,) = observations
    assert (found.name, found.level, found.tenant_id) == (f"litellm.{operation}", "ERROR", "acme")
    if operation == "transcription":
        assert found.input == {"file_checksum": hashlib.sha256(b"RIFF").hexdigest()}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_nor_is_what_is_asked_in_anthropics_form(
    observations: Recorded, server: LlmServer, spent: Callable[..., None], is_streamed: bool
) -> None:
    spent(tenant="acme")
    given = at(server, "anthropic/claude-sonnet-4-5", api_base=server.url, max_tokens=9, stream=is_streamed)
    for metadata in ({"tenant_id": "acme"}, {"tenant_id": "globex"}):
        call = litellm.anthropic.messages.acreate(**given, litellm_metadata=metadata)
        try:
            asyncio.run(call)
        except BudgetExceeded:
            assert metadata == {"tenant_id": "acme"}
    assert len(server.requests) == 1


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini"])
def test_a_proxys_name_for_a_model_does_not_hide_the_one_that_is_asked(
    observations: Recorded, server: LlmServer, spent: Callable[..., None], model: str
) -> None:
    """As a proxy does: set up under its own name, then made with the model that its router has chosen."""
    spent(model="gpt-4o")

    async def work() -> None:
        rules, now = litellm.utils.Rules(), litellm.utils.datetime.datetime.now()
        desk = {"model": "desk", "messages": ASKED, "litellm_call_id": "call-1"}
        logging, _ = litellm.utils.function_setup("acompletion", rules, now, **desk)
        await litellm.acompletion(**at(server, f"openai/{model}"), litellm_logging_obj=logging)

    try:
        asyncio.run(work())
    except BudgetExceeded:
        assert model == "gpt-4o"
    assert len(server.requests) == (model != "gpt-4o")
    (found,) = observations
    assert (found.model, found.level) == (model, "ERROR" if model == "gpt-4o" else "DEFAULT")


def test_what_moderates_costs_nothing_and_is_made(
    observations: Recorded, server: LlmServer, spent: Callable[..., None]
) -> None:
    spent(tenant="acme")
    moderation = {"model": "openai/omni-moderation-latest", "input": "AAPL", "api_base": server.openai_url}
    with ObservabilityContext.scope(tenant_id="acme"), contextlib.suppress(Exception):
        litellm.moderation(**moderation, api_key="sk-none")  # the server doesn't know how to answer
    assert len(server.requests) == 1


def test_of_decorated_functions_those_that_ask_a_model_are_stopped(
    observations: Recorded, spent: Callable[..., None]
) -> None:
    spent(tenant="acme")
    made = []
    with ObservabilityContext.scope(tenant_id="acme"):
        for kind in ("generation", "embedding", "retriever", "tool"):
            with contextlib.suppress(BudgetExceeded):
                observe_llm(as_type=kind)(made.append)(kind)  # type: ignore[call-overload]
    assert made == ["retriever", "tool"]


# ---- other observers of the same call


def counted(observations: Recorded) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in observations:
        total.update(each.usage or {})
    return dict(total)


@pytest.mark.parametrize("ours_first", [False, True])
@pytest.mark.parametrize("others", [("litellm",), ("openai",), ("litellm", "openai")], ids=",".join)
@pytest.mark.parametrize(
    "way", [sync_call, streamed, async_call, async_streamed], ids=lambda way: way.__name__
)
def test_beside_instrumentors_of_litellm_and_its_clients_every_token_counts_once(
    server: LlmServer, way: Callable[[LlmServer], Any], others: tuple[str, ...], ours_first: bool
) -> None:
    for each in others:
        pytest.importorskip(f"openinference.instrumentation.{each}")

    @observe_llm(as_type="agent")
    def desk() -> None:
        asked = {"include_usage": True}
        if way is streamed:
            list(litellm.completion(**at(server, stream=True, stream_options=asked)))
        elif way is async_streamed:
            asyncio.run(read(at(server, stream=True, stream_options=asked)))
        else:
            run(way, server)

    if ours_first:
        instrument_litellm()
    handle = instrument_providers(*others)
    instrument_litellm()
    try:
        with recorded() as observations:
            desk()
    finally:
        import_module("agent_trace").uninstrument(handle)
        uninstrument_litellm()
    assert counted(observations) == USAGE
    ours = observations.one("litellm.completion")
    by_id = {each.id: each for each in observations}
    if "openai" in others:
        assert observations.one("ChatCompletion").parent_id == ours.id
    top = by_id[str(ours.parent_id)]
    assert top.name == "desk" if "litellm" not in others else top.name in ("completion", "acompletion")


async def read(asked: dict[str, Any]) -> None:
    async for _ in await litellm.acompletion(**asked):
        pass


def test_what_a_program_asks_while_it_reads_a_stream_is_no_part_of_it(server: LlmServer) -> None:
    pytest.importorskip("openinference.instrumentation.openai")
    openai = pytest.importorskip("openai")
    handle = instrument_providers("openai")
    instrument_litellm()
    try:
        with recorded() as observations, openai.OpenAI(base_url=server.openai_url, api_key="sk") as client:
            stream = litellm.completion(
                **at(server, "anthropic/claude-sonnet-4-5", api_base=server.url, stream=True)
            )
            next(stream)
            client.chat.completions.create(model="gpt-4o", messages=ASKED)
            list(stream)
    finally:
        import_module("agent_trace").uninstrument(handle)
        uninstrument_litellm()
    assert observations.one("ChatCompletion").parent_id is None
    assert counted(observations)["input"] == 2 * USAGE["input"]


def test_two_observers_of_a_call_are_said_once(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openinference.instrumentation.litellm")
    monkeypatch.setattr(litellm_moments, "_has_said", False)
    handle = instrument_providers("litellm")
    instrument_litellm()
    try:
        with recorded(quiet=False):
            sync_call(server)
            sync_call(server)
    finally:
        import_module("agent_trace").uninstrument(handle)
        uninstrument_litellm()
    assert capfd.readouterr().err.count("observed twice") == 1
