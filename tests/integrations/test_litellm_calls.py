"""Real LiteLLM, with its mock responses and against a local server: one observation for each attempt of each call."""

import asyncio
import copy
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from agent_trace import ObservabilityContext, instrument_litellm, observe_llm, uninstrument_litellm
from agent_trace.observation import Observation
from agent_trace.recording import guard
from agent_trace.testing import Recorded, recorded
from tests.support.litellm_calls import ASKED, run_until_told, wait_for
from tests.support.llm_server import (
    ANSWER_TOKENS,
    CACHED_TOKENS,
    PROMPT_TOKENS,
    USAGE,
    LlmServer,
    Refusal,
    Text,
)

litellm: Any = pytest.importorskip("litellm")


@pytest.fixture
def observations() -> Iterator[Recorded]:
    """Without OpenTelemetry's own way of carrying context into threads: ours has to do."""
    failed_before = dict(guard.failures)
    instrument_litellm()
    with recorded(threads=False) as sink:
        yield sink
    uninstrument_litellm()
    litellm.cache = None
    assert guard.failures == failed_before
    assert sink.lost == {}


def at(server: LlmServer, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    address = {"api_base": server.openai_url, "api_key": "sk-none", "max_retries": 0}
    return {"model": f"openai/{model}", "messages": ASKED, **address, **more}


@observe_llm(as_type="agent")
def desk(work: Any, tenant: str = "acme") -> Any:
    with ObservabilityContext.scope(tenant_id=tenant, session_id=f"s-{tenant}"):
        return work()


def test_a_call_is_a_generation_with_usage_cost_model_provider_and_scope(
    observations: Recorded, server: LlmServer
) -> None:
    answer = desk(
        lambda: litellm.completion(**at(server, temperature=0.3, metadata={"run": 7, "tags": ["night"]}))
    )
    (found,) = wait_for(observations, 1)
    above = observations.one("desk")
    assert (found.type, found.name, found.model, found.finish_reason) == (
        *("generation", "litellm.completion"),
        *("gpt-4o", "stop"),
    )
    assert (found.parent_id, found.trace_id) == (above.id, above.trace_id)
    assert (found.tenant_id, found.session_id) == ("acme", "s-acme")
    assert found.usage == USAGE
    assert found.cost is not None and found.cost["source"] == "litellm"
    assert found.cost["total"] == pytest.approx(answer._hidden_params["response_cost"])
    assert found.model_parameters == {"temperature": 0.3}
    assert found.input == {"messages": ASKED}
    assert found.output["choices"][0]["message"]["content"] == "HOLD"
    assert found.metadata["run"] == 7 and found.tags == ["night"]
    assert found.metadata["litellm"]["provider"] == "openai"
    assert found.metadata.keys() == {"run", "litellm"}
    assert "sk-none" not in str(observations.records)


def test_an_async_call_is_the_same(observations: Recorded, server: LlmServer) -> None:
    async def work() -> None:
        with ObservabilityContext.scope(tenant_id="globex"):
            await litellm.acompletion(**at(server))

    run_until_told(observations, 1, work)
    found = observations.one("litellm.completion")
    assert (found.usage, found.tenant_id, found.parent_id) == (USAGE, "globex", None)
    opened = next(each for each in observations.records if each["kind"] == "opened")
    assert opened["id"] == found.id, "what was running when a process died has to show"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_is_one_generation_with_its_first_token(
    observations: Recorded, server: LlmServer, is_async: bool
) -> None:
    asked = at(server, stream=True, stream_options={"include_usage": True})

    async def read() -> None:
        with ObservabilityContext.scope(tenant_id="acme"):
            stream = await litellm.acompletion(**asked)
        async for _ in stream:  # outside of the scope, as whoever reads it is
            pass

    server.plan(Text("BUY now"))
    if is_async:
        run_until_told(observations, 1, read)
    else:
        stream = desk(lambda: litellm.completion(**asked))
        assert "".join(each.choices[0].delta.content or "" for each in stream if each.choices) == "BUY now"
    (found,) = wait_for(observations, 1)
    assert (found.tenant_id, found.usage, found.model_parameters) == ("acme", USAGE, {"stream": True})
    assert found.output["choices"][0]["message"]["content"] == "BUY now"
    assert found.first_token_ns is not None and found.start_ns <= found.first_token_ns <= found.end_ns
    assert [each.name for each in observations].count("litellm.completion") == 1


def test_a_stream_that_its_reader_leaves_says_so(observations: Recorded, server: LlmServer) -> None:
    def work() -> None:
        for _ in litellm.completion(**at(server, stream=True)):
            break

    server.plan(Text("a long answer that nobody reads"))
    desk(work)
    litellm.error_logs.clear()  # in which LiteLLM keeps its latest call
    (found,) = wait_for(observations, 1)
    assert (found.level, found.usage, found.tenant_id) == ("WARNING", None, "acme")
    assert "no end" in str(found.status_message)
    assert found.input == {"messages": ASKED}


def test_embeddings_are_embeddings_without_their_numbers(observations: Recorded, server: LlmServer) -> None:
    asked = {**at(server, "text-embedding-3-small"), "input": ["AAPL", "MSFT"]}
    del asked["messages"]
    desk(lambda: litellm.embedding(**asked))
    (found,) = wait_for(observations, 1)
    assert (found.type, found.name, found.model) == (
        *("embedding", "litellm.embedding"),
        "text-embedding-3-small",
    )
    assert found.usage is not None and found.usage["input"] == PROMPT_TOKENS
    assert found.output == {"vectors": 2, "dimensions": 2}
    assert found.cost is not None and found.cost["total"] == pytest.approx(PROMPT_TOKENS * 2e-8)


def test_a_failed_call_is_an_error_before_the_program_sees_it(
    observations: Recorded, server: LlmServer
) -> None:
    server.plan(Refusal(429))

    def work() -> None:
        with pytest.raises(litellm.RateLimitError):
            litellm.completion(**at(server))
        found = observations.one("litellm.completion")
        assert found.error is not None and found.error["type"].endswith("RateLimitError")
        assert (found.level, found.usage, found.cost) == ("ERROR", None, None)

    desk(work)


def test_a_call_that_is_refused_before_any_request_is_an_error(observations: Recorded) -> None:
    def work() -> None:
        with pytest.raises(litellm.BadRequestError):
            litellm.completion(model="nowhere/model", messages=ASKED)

    desk(work)
    found = observations.one("litellm.completion")
    assert (found.level, found.tenant_id, found.model) == ("ERROR", "acme", "nowhere/model")


def test_each_attempt_that_litellm_makes_is_an_observation(observations: Recorded) -> None:
    def work() -> None:
        refused = "litellm.RateLimitError"
        with pytest.raises(litellm.RateLimitError):
            litellm.completion(model="gpt-4o", messages=ASKED, mock_response=refused, num_retries=1)

    desk(work)
    first, second = wait_for(observations, 2)
    assert [each.level for each in (first, second)] == ["ERROR", "ERROR"]
    assert "made another one" in str(first.status_message)
    assert second.error is not None and second.error["type"].endswith("RateLimitError")
    assert [each.metadata["litellm"].get("attempt") for each in (first, second)] == [None, 2]
    assert {each.parent_id for each in (first, second)} == {observations.one("desk").id}


def test_what_the_providers_client_tries_again_by_itself_is_one_observation(
    observations: Recorded, server: LlmServer
) -> None:
    server.plan(Refusal(503), Refusal(429))
    desk(lambda: litellm.completion(**{**at(server), "max_retries": 2}))
    (found,) = wait_for(observations, 1)
    assert (found.level, found.usage) == ("DEFAULT", USAGE)


def test_a_router_that_tries_again_leaves_every_attempt(observations: Recorded, server: LlmServer) -> None:
    asked = at(server)
    del asked["messages"]
    router = litellm.Router(
        model_list=[{"model_name": "main", "litellm_params": asked}], num_retries=2, retry_after=0
    )
    server.plan(Refusal(503), Refusal(503))
    desk(lambda: router.completion(model="main", messages=ASKED))
    found = wait_for(observations, 3)
    assert [each.level for each in found] == ["ERROR", "ERROR", "DEFAULT"]
    assert [each.usage for each in found] == [None, None, USAGE]
    assert {each.tenant_id for each in found} == {"acme"}


def test_a_router_that_falls_back_leaves_every_deployment_it_asked(
    observations: Recorded, server: LlmServer
) -> None:
    def deployment(name: str, model: str) -> dict[str, Any]:
        asked = at(server, model)
        del asked["messages"]
        return {"model_name": name, "litellm_params": asked}

    router = litellm.Router(
        model_list=[deployment("main", "gpt-4o"), deployment("spare", "gpt-4o-mini")],
        fallbacks=[{"main": ["spare"]}],
        num_retries=0,
    )
    server.plan(Refusal(429))

    async def work() -> None:
        with ObservabilityContext.scope(tenant_id="acme"):
            await router.acompletion(model="main", messages=ASKED, metadata={"run": 3})

    run_until_told(observations, 2, work)
    failed, answered = wait_for(observations, 2)
    assert (failed.level, failed.model, failed.usage) == ("ERROR", "gpt-4o", None)
    assert (answered.level, answered.model, answered.usage) == ("DEFAULT", "gpt-4o-mini", USAGE)
    assert [each.metadata["litellm"]["model_group"] for each in (failed, answered)] == ["main", "spare"]
    assert all(each.metadata["run"] == 3 and each.tenant_id == "acme" for each in (failed, answered))
    assert answered.metadata.keys() == {"run", "litellm"}, (
        "what the router adds is no metadata of the caller's"
    )


@pytest.mark.parametrize("is_async", [False, True])
def test_an_answer_out_of_the_cache_costs_nothing_and_says_so(
    observations: Recorded, server: LlmServer, is_async: bool
) -> None:
    litellm.cache = litellm.Cache(type="local")
    asked = at(server, user=f"cache-{is_async}")

    @observe_llm(name="ask")
    def ask() -> Any:
        return litellm.completion(**asked)

    @observe_llm(name="ask")
    async def ask_async() -> Any:
        return await litellm.acompletion(**asked)

    async def twice() -> None:
        await ask_async()
        await asyncio.sleep(0.2)  # the cache is filled by a task of its own
        with ObservabilityContext.scope(tenant_id="acme"):
            await ask_async()

    before = len(server.requests)
    if is_async:
        run_until_told(observations, 2, twice)
    else:
        ask()
        wait_for(observations, 1)
        desk(ask)
    paid, free = wait_for(observations, 2)
    assert len(server.requests) == before + 1
    assert (paid.usage, free.usage) == (USAGE, {"input": 0, "output": 0})
    assert (free.reported_usage, free.tenant_id) == (USAGE, "acme")
    assert free.cost is not None and free.cost["total"] == 0
    assert free.metadata["litellm"]["cache_hit"] is True
    assert "cache_hit" not in paid.metadata["litellm"]
    assert counted(observations) == USAGE, "the function around it returned the same counts again"


def counted(observations: Recorded) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in observations:
        total.update(each.usage or {})
    return dict(total)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_decorated_caller_nests_the_call_and_tokens_count_once(
    observations: Recorded, server: LlmServer, is_async: bool
) -> None:
    @observe_llm(name="ask")
    def ask() -> Any:
        return litellm.completion(**at(server))

    @observe_llm(name="ask")
    async def ask_async() -> Any:
        return await litellm.acompletion(**at(server))

    if is_async:
        run_until_told(observations, 1, ask_async)
    else:
        ask()
    (inner,) = wait_for(observations, 1)
    outer = observations.one("ask")
    assert (inner.parent_id, inner.usage) == (outer.id, USAGE)
    assert (outer.usage, outer.reported_usage) == (None, USAGE)


def test_a_caller_that_gets_its_answer_elsewhere_counts_it(observations: Recorded, server: LlmServer) -> None:
    server.plan(Refusal(429))

    @observe_llm(name="ask")
    def ask() -> Any:
        with pytest.raises(litellm.RateLimitError):
            litellm.completion(**at(server))
        return {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}

    ask()
    assert observations.one("ask").usage == {"input": 7, "output": 2}


def test_one_of_two_calls_that_fails_leaves_the_tokens_to_the_other(
    observations: Recorded, server: LlmServer
) -> None:
    @observe_llm(name="ask")
    def ask() -> Any:
        answer = litellm.completion(**at(server))
        server.plan(Refusal(429))
        with pytest.raises(litellm.RateLimitError):
            litellm.completion(**at(server))
        return answer

    ask()
    wait_for(observations, 2)
    assert counted(observations) == USAGE


def test_fifty_calls_at_once_keep_to_their_tenants(observations: Recorded, server: LlmServer) -> None:
    asked = at(server)

    async def one(number: int) -> None:
        with ObservabilityContext.scope(tenant_id=f"tenant-{number % 2}", agent_id=f"agent-{number}"):
            messages = [{"role": "user", "content": f"number {number}"}]
            if number % 3:
                await litellm.acompletion(**{**asked, "messages": messages})
            else:
                usage = {"include_usage": True}
                stream = await litellm.acompletion(
                    **{**asked, "messages": messages}, stream=True, stream_options=usage
                )
                async for _ in stream:
                    await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(50)))

    run_until_told(observations, 50, all_of_them)
    found = wait_for(observations, 50)
    assert len(found) == 50
    for each in found:
        number = int(each.input["messages"][0]["content"].split()[1])
        assert (each.tenant_id, each.agent_id) == (f"tenant-{number % 2}", f"agent-{number}")
        assert each.usage == USAGE
    for tenant in ("tenant-0", "tenant-1"):
        assert sum(each.usage["output"] for each in found if each.tenant_id == tenant) == 25 * ANSWER_TOKENS


def test_threads_of_two_tenants_at_once_keep_to_theirs(observations: Recorded, server: LlmServer) -> None:
    def one(tenant: str) -> None:
        for _ in range(5):
            desk(lambda: litellm.completion(**at(server)), tenant)

    threads = [threading.Thread(target=one, args=(f"t-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = wait_for(observations, 20)
    assert Counter(each.tenant_id for each in found) == {f"t-{number}": 5 for number in range(4)}
    parents = {each.id: each.tenant_id for each in observations if each.name == "desk"}
    above = {each.id: each for each in observations if each.name == "desk"}
    assert all(each.parent_id in above for each in found)
    assert len(parents) == 20


def test_what_a_call_names_in_its_metadata_is_its_scope(observations: Recorded) -> None:
    metadata = {
        "tenant_id": "initech",
        "agent_id": "analyst",
        "trace_user_id": "u1",
        "session_id": "s9",
        "generation_name": "decide",
    }
    given = copy.deepcopy(metadata)
    desk(lambda: litellm.completion(model="gpt-4o", messages=ASKED, mock_response="HOLD", metadata=metadata))
    (found,) = wait_for(observations, 1, name="decide")
    assert (found.tenant_id, found.agent_id, found.user_id, found.session_id) == (
        *("initech", "analyst"),
        *("u1", "s9"),
    )
    assert found.metadata.keys() == {"litellm"}
    assert {name: metadata[name] for name in given} == given


def test_tags_of_the_whole_process_are_not_taken(observations: Recorded, monkeypatch: Any) -> None:
    monkeypatch.setattr(litellm, "langfuse_default_tags", ["tenant:acme"], raising=False)
    litellm.completion(model="gpt-4o", messages=ASKED, mock_response="HOLD")
    (found,) = wait_for(observations, 1)
    assert (found.tags, found.tenant_id) == ([], None)


def test_the_proxys_own_knowledge_goes_before_what_its_client_claims(
    observations: Recorded, server: LlmServer
) -> None:
    """As the proxy calls: with the logging object of the request, the key's owner, and the client's headers."""
    traceparent = f"00-{0xABC:032x}-{0xDEF:016x}-01"
    metadata = {
        "requester_metadata": {"tenant_id": "somebody-else", "run": 5},
        "tenant_id": "somebody-else",
        "user_api_key_team_id": "team-1",
        "user_api_key_end_user_id": "end-user",
        "user_api_key_alias": "night desk",
        "headers": {
            "traceparent": traceparent,
            "authorization": "Bearer sk-1234567890abcdef1234567890abcdef",
        },
    }
    request = {"url": "/chat/completions", "headers": {"traceparent": traceparent}, "body": {}}

    async def work() -> None:
        asked = at(server, metadata=metadata, proxy_server_request=request, litellm_call_id="call-1")
        logging, asked = litellm.utils.function_setup(
            "acompletion", litellm.utils.Rules(), litellm.utils.datetime.datetime.now(), **asked
        )
        await litellm.acompletion(**asked, litellm_logging_obj=logging)

    run_until_told(observations, 1, work)
    found = observations.one("litellm.completion")
    assert (found.tenant_id, found.user_id) == ("team-1", "end-user")
    assert (found.trace_id, found.parent_id) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert found.metadata["run"] == 5
    assert found.metadata["litellm"]["key_alias"] == "night desk"
    assert "authorization" not in str(observations.records)


def test_a_model_without_a_price_has_no_cost_rather_than_none_to_pay(observations: Recorded) -> None:
    litellm.completion(model="openai/our-own-model", messages=ASKED, mock_response="HOLD")
    (found,) = wait_for(observations, 1)
    assert found.usage is not None and found.cost is None


def test_messages_that_litellm_was_told_to_hide_are_hidden(observations: Recorded, monkeypatch: Any) -> None:
    monkeypatch.setattr(litellm, "turn_off_message_logging", True)
    litellm.completion(model="gpt-4o", messages=ASKED, mock_response="SELL ALL")
    (found,) = wait_for(observations, 1)
    assert (found.input, found.output) == (None, None)
    assert found.usage is not None
    assert "AAPL" not in str(observations.records) and "SELL ALL" not in str(observations.records)


def test_a_call_that_is_not_to_be_logged_is_not_recorded(observations: Recorded) -> None:
    litellm.completion(model="gpt-4o", messages=ASKED, mock_response="HOLD", **{"no-log": True})
    litellm.completion(model="gpt-4o-mini", messages=ASKED, mock_response="HOLD")
    (found,) = wait_for(observations, 1)
    assert found.model == "gpt-4o-mini"


def test_the_input_is_as_it_was_when_the_call_was_made(observations: Recorded, server: LlmServer) -> None:
    messages = copy.deepcopy(ASKED)
    server.plan(Text(after_s=0.05))

    async def work() -> None:
        call = asyncio.ensure_future(litellm.acompletion(**at(server, messages=messages)))
        await asyncio.sleep(0.03)
        messages.append({"role": "assistant", "content": "added later"})
        await call

    run_until_told(observations, 1, work)
    assert observations.one("litellm.completion").input == {"messages": ASKED}


def test_an_answer_that_litellm_has_not_told_of_when_its_loop_ends_is_kept(
    observations: Recorded, server: LlmServer
) -> None:
    with ObservabilityContext.scope(tenant_id="acme"):
        asyncio.run(litellm.acompletion(**at(server)))
    litellm.completion(model="gpt-4o-mini", messages=ASKED, mock_response="HOLD")
    found, _ = wait_for(observations, 2)
    assert (found.usage, found.tenant_id, found.level) == (USAGE, "acme", "DEFAULT")


def test_a_cancelled_call_says_that_no_end_was_told(observations: Recorded, server: LlmServer) -> None:
    server.plan(Text(after_s=0.4))

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await litellm.acompletion(**at(server))

    asyncio.run(work())
    litellm.error_logs.clear()
    (found,) = wait_for(observations, 1)
    assert found.level == "WARNING" and "no end" in str(found.status_message)


def test_what_litellm_keeps_of_a_call_can_still_be_copied(observations: Recorded) -> None:
    seen: list[dict[str, Any]] = []

    class Other(litellm.integrations.custom_logger.CustomLogger):  # type: ignore[misc, name-defined]
        def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            seen.append(copy.deepcopy(kwargs))
            json.dumps(kwargs, default=str)

    other = Other()
    litellm.callbacks.append(other)
    litellm.completion(model="gpt-4o", messages=ASKED, mock_response="HOLD")
    end_s = time.monotonic() + 20
    while not seen and time.monotonic() < end_s:
        time.sleep(0.01)
    for name in ("callbacks", "input_callback", "success_callback", "failure_callback"):
        found = getattr(litellm, name)
        found[:] = [each for each in found if each is not other]
    assert len(seen) == 1


def test_nothing_is_recorded_while_recording_is_off(server: LlmServer) -> None:
    instrument_litellm()
    with recorded(threads=False) as sink:
        from agent_trace.recording import process

        process.current().disable()
        litellm.completion(**at(server))
        process.current().enable()
        litellm.completion(**at(server, "gpt-4o-mini"))
        found: list[Observation] = wait_for(sink, 1)
    uninstrument_litellm()
    assert [each.model for each in found] == ["gpt-4o-mini"]
    assert found[0].usage["cache_read"] == CACHED_TOKENS  # type: ignore[index]
