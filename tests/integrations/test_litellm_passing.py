"""What LiteLLM's proxy passes through to a provider: recorded as its key's, paid for by a budget, refused by a spent one."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent_trace import instrument_litellm
from agent_trace.errors import BudgetExceeded
from agent_trace.recording.process import steps
from agent_trace.testing import recorded
from tests.support.litellm_calls import ASKED
from tests.support.litellm_proxy import KEY_OF_NOBODY, Proxy
from tests.support.llm_server import USAGE, LlmServer, Refusal

litellm: Any = pytest.importorskip("litellm")

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": ASKED}
CLAUDE: dict[str, Any] = {"model": "claude-sonnet-4-5", "messages": ASKED, "max_tokens": 9}
GEMINI = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
STREAMED: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
OPENAI = "/openai/v1/chat/completions"
PASSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    (OPENAI, CHAT, "HOLD"),
    (OPENAI, {**CHAT, **STREAMED}, "[DONE]"),
    ("/house", CHAT, "HOLD"),
    ("/house", {**CHAT, **STREAMED}, "[DONE]"),
    ("/anthropic/v1/messages", CLAUDE, "HOLD"),
    ("/anthropic/v1/messages", {**CLAUDE, "stream": True}, "message_stop"),
    (GEMINI, {"contents": [{"parts": [{"text": "AAPL?"}]}]}, "HOLD"),
)
"""Path, body, and what stands in an answer that is complete."""
PATIENCE_S = 20


@pytest.fixture
def passing(tmp_path: Path, server: LlmServer) -> Iterator[Callable[..., Proxy]]:
    """Start a proxy whose providers are all the local server: with which variables. None of them is left running."""
    keys = {f"{each}_API_KEY": "sk-of-the-proxy" for each in ("OPENAI", "ANTHROPIC", "GEMINI")}
    bases = {f"{each}_API_BASE": server.url for each in ("OPENAI", "ANTHROPIC", "GEMINI")}
    started: list[Proxy] = []

    def start(**variables: str) -> Proxy:
        server.begin()
        started.append(Proxy(tmp_path, server, **{**keys, **bases, **variables}))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def ask(proxy: Proxy, path: str, key: str, body: dict[str, Any]) -> tuple[int, str]:
    """As Google's clients do, too, which have the key in a header of their own."""
    return proxy.post(path, key, body, **{"x-goog-api-key": key})


def until_refused(proxy: Proxy, path: str, key: str, body: dict[str, Any]) -> str:
    """Ask until a budget is spent; the refusal."""
    end_s = time.monotonic() + PATIENCE_S
    while (answer := ask(proxy, path, key, body))[0] == 200 and time.monotonic() < end_s:
        time.sleep(0.1)
    assert answer[0] == 402, answer
    return answer[1]


def budgets(*scopes: dict[str, str]) -> str:
    return json.dumps(
        [{**each, "limit": 0.00001, "window": "day", "on_exceeded": "raise"} for each in scopes]
    )


def test_nothing_is_passed_through_for_a_tenant_that_has_spent_its_budget_by_that_alone(
    passing: Callable[..., Proxy], server: LlmServer
) -> None:
    proxy = passing(AGENT_TRACE_BUDGETS=budgets({"tenant": "acme"}))
    refusal = until_refused(proxy, OPENAI, "sk-acme", CHAT)
    made = len(server.requests)
    for path, body, _ in PASSED:
        status, text = ask(proxy, path, "sk-acme", body)
        assert (status, "the budget of tenant acme is spent" in text, path) == (402, True, path)
    set_up = proxy.post("/v1/chat/completions", "sk-acme", {**CHAT, "model": "desk"})
    assert set_up[0] == 402
    assert len(server.requests) == made, "not one of them was sent on"
    assert {**json.loads(set_up[1])["error"], "message": ""} == {
        **json.loads(refusal)["error"],
        "message": "",
    }
    for path, body, end in PASSED:
        status, text = ask(proxy, path, "sk-globex", body)
        assert (status, end in text) == (200, True), text
    assert len(server.requests) == made + len(PASSED)
    found = proxy.end(at_least=len(server.requests) + len(PASSED) + 2)
    refused = [each for each in found if each.level == "ERROR"]
    assert {each.error["type"] for each in refused} == {"agent_trace.errors.BudgetExceeded"}
    assert {each.name for each in refused[:-1]} == {"litellm.pass_through_endpoint"}
    assert [(each.tenant_id, each.model, each.input) for each in refused[1:-1]] == [
        ("acme", body.get("model", "gemini-2.5-flash"), body) for _, body, _ in PASSED
    ]
    passed = [each for each in found if each.tenant_id == "globex"]
    assert [each.usage for each in passed] == [USAGE] * len(PASSED)
    assert all(each.cost["total"] > 0 and each.level == "DEFAULT" for each in passed)


def test_a_budget_is_that_of_the_model_and_the_agent_that_the_request_names(
    passing: Callable[..., Proxy], server: LlmServer
) -> None:
    scopes = {"model": "gpt-4o"}, {"model": "gemini-2.5-flash"}, {"agent": "analyst"}
    proxy = passing(AGENT_TRACE_BUDGETS=budgets(*scopes))
    mini, google = {**CHAT, "model": "gpt-4o-mini"}, {"contents": [{"parts": [{"text": "AAPL?"}]}]}
    of_analyst = {**mini, "metadata": {"agent_id": "analyst"}}
    assert "model gpt-4o is" in until_refused(proxy, OPENAI, "sk-acme", {**CHAT, **STREAMED})
    assert "model gemini-2.5-flash is" in until_refused(proxy, GEMINI, "sk-acme", google)
    assert "agent analyst is" in until_refused(proxy, "/house", "sk-acme", of_analyst)
    made = len(server.requests)
    for path, body in ((OPENAI, mini), (GEMINI.replace("2.5", "2.0"), google)):
        assert ask(proxy, path, "sk-acme", body)[0] == 200
    assert len(server.requests) == made + 2


def test_recording_that_is_off_refuses_nothing_and_changes_nothing(
    passing: Callable[..., Proxy], server: LlmServer
) -> None:
    spent = budgets({"tenant": "acme"})
    proxy = passing(AGENT_TRACE_BUDGETS=spent)
    until_refused(proxy, OPENAI, "sk-acme", CHAT)
    count = len(proxy.end(at_least=len(server.requests) + 1))
    again = passing(AGENT_TRACE_BUDGETS=spent, ENABLE_LANGFUSE="false")
    claims = {**CHAT, "metadata": {"tenant_id": "spoof"}}
    for path in (OPENAI, "/house"):
        assert ask(again, path, "sk-acme", claims)[0] == 200
    assert server.requests == [("/v1/chat/completions", CHAT)] * 2  # LiteLLM keeps the metadata to itself
    assert len(again.end()) == count


def test_what_is_passed_through_first_is_recorded_as_its_keys_and_sent_as_it_came(
    passing: Callable[..., Proxy], server: LlmServer
) -> None:
    proxy = passing()
    traceparent = f"00-{0xABC:032x}-{0xDEF:016x}-01"
    spoof = {"tenant_id": "spoof", "user_api_key_org_id": "spoof", "user_api_key_user_id": "spoof"}
    own = {"agent_id": "analyst", "session_id": "s-1", "tags": ["night"], "round": 7}
    asked = {**CHAT, "temperature": 0.5}
    named = {**asked, "user": "somebody"}
    server.plan(Refusal(400), Refusal(400))
    for body in (CHAT, {**CHAT, **STREAMED}):
        assert ask(proxy, OPENAI, "sk-acme", body)[0] == 400
    proxy.post(OPENAI, "sk-acme", {**asked, "metadata": {**own, **spoof}}, traceparent=traceparent)
    proxy.post(OPENAI, KEY_OF_NOBODY, {**named, "metadata": {**own, "tenant_id": "claimed"}})
    vectors = {"model": "text-embedding-3-small", "input": "AAPL"}
    proxy.post("/openai/v1/embeddings", KEY_OF_NOBODY, vectors)
    assert [body for _, body in server.requests[2:4]] == [asked, named]
    *failed, claimed, nobodys, embedded = proxy.end(at_least=5)
    assert [(each.level, each.tenant_id, each.model, each.input) for each in failed] == [
        ("ERROR", "acme", "gpt-4o", CHAT),
        ("ERROR", "acme", "gpt-4o", {**CHAT, **STREAMED}),
    ]
    assert all("no: 400" in each.error["message"] for each in failed)
    assert (claimed.trace_id, claimed.parent_id) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert (claimed.tenant_id, claimed.user_id, claimed.tags) == ("acme", "user-of-the-key", ["night"])
    assert (nobodys.tenant_id, nobodys.user_id) == ("claimed", "somebody")
    assert (claimed.input, nobodys.input) == (asked, named)
    for each in (claimed, nobodys):
        assert (each.agent_id, each.session_id, each.metadata["round"]) == ("analyst", "s-1", 7)
        assert (each.type, each.model, each.usage) == ("generation", "gpt-4o", USAGE)
    assert (embedded.tenant_id, embedded.user_id) == (None, None)
    assert (embedded.usage["input"], embedded.cost["total"] > 0) == (20, True)


def test_what_the_proxy_itself_refuses_is_recorded_as_well(
    passing: Callable[..., Proxy], server: LlmServer
) -> None:
    proxy = passing()
    assert [ask(proxy, OPENAI, "sk-slow", CHAT)[0] for _ in range(2)] == [200, 429]
    assert [(each.level, each.tenant_id, each.agent_id, each.model) for each in proxy.end(at_least=2)] == [
        ("DEFAULT", "slow", "of-the-key", "gpt-4o"),
        ("ERROR", "slow", "of-the-key", "gpt-4o"),
    ]


@pytest.mark.parametrize(
    ("route", "call_type", "is_refused"),
    [
        ("/openai/v1/responses", "pass_through_endpoint", True),
        ("/langfuse/api/public/ingestion", "pass_through_endpoint", False),
        ("/v1/chat/completions", "acompletion", False),
    ],
)
def test_traces_that_clients_send_and_what_is_set_up_later_are_not_refused_here(
    route: str, call_type: str, is_refused: bool
) -> None:
    instrument_litellm()
    logger = next(each for each in litellm.callbacks if type(each).__name__ == "AgentTraceLogger")
    with recorded() as observations:
        steps().gate = lambda _: BudgetExceeded("spent")
        made = import_module("litellm.litellm_core_utils.litellm_logging").Logging(
            "unknown", [], False, call_type, datetime.now(), "call-1", "1"
        )
        key = SimpleNamespace(request_route=route, team_id="acme")
        try:
            for body in (
                {},
                {"model": "gpt-4o", "litellm_logging_obj": made},
            ):  # of a websocket, and of a request
                asyncio.run(logger.async_pre_call_hook(key, None, body, call_type))
        except BudgetExceeded:
            assert is_refused
        assert [(each.tenant_id, each.model) for each in observations] == [("acme", "gpt-4o")] * is_refused


def test_what_litellm_reads_has_its_price(passing: Callable[..., Proxy], server: LlmServer) -> None:
    """It goes by the names of the servers, so these are asked by way of the local one."""
    forward = {"HTTP_PROXY": server.url, "NO_PROXY": "127.0.0.1", "DISABLE_AIOHTTP_TRANSPORT": "True"}
    proxy = passing(OPENAI_API_BASE="http://api.openai.com", **forward)
    for body in (CHAT, {**CHAT, **STREAMED}):
        assert ask(proxy, OPENAI, "sk-acme", body)[0] == 200
    assert {path for path, _ in server.requests} == {"http://api.openai.com/v1/chat/completions"}
    found = proxy.end(at_least=2)
    assert [(each.usage, each.cost["source"], each.tenant_id) for each in found] == [
        (USAGE, "litellm", "acme"),
        (USAGE, "litellm", "acme"),
    ]
