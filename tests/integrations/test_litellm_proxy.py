"""What the proxy of LiteLLM records of its requests, and refuses: whose they are, what they cost, which model they ask."""

import time
from pathlib import Path
from typing import Any

from tests.support.litellm_calls import ASKED
from tests.support.litellm_proxy import KEY_OF_NOBODY, Proxy
from tests.support.llm_server import USAGE, LlmServer

CHAT: dict[str, Any] = {"model": "desk", "messages": ASKED}
CLAUDE: dict[str, Any] = {"model": "claude", "messages": ASKED, "max_tokens": 9}
RESPONSES: dict[str, Any] = {"model": "claude", "input": "AAPL?", "max_output_tokens": 9}


def test_every_answered_request_is_recorded_under_the_owner_of_its_key(
    tmp_path: Path, server: LlmServer
) -> None:
    proxy = Proxy(tmp_path, server)
    paths = [("/v1/chat/completions", CHAT), ("/v1/messages", CLAUDE), ("/v1/responses", RESPONSES)]
    claims = {"metadata": {"tenant_id": "spoof", "user_api_key_org_id": "spoof"}}
    wanted = []
    for path, body in paths:
        for tenant, more in (("acme", {}), ("globex", {"stream": True}), ("acme", claims)):
            status, text = proxy.post(path, f"sk-{tenant}", {**body, **more})
            assert status == 200, text
            wanted.append((tenant, USAGE))
    assert proxy.post("/v1/embeddings", "sk-acme", {"model": "embed", "input": ["AAPL"]})[0] == 200
    found = proxy.end()
    assert [(each.tenant_id, each.usage) for each in found[:-1]] == wanted
    assert {each.cost["source"] for each in found} == {"litellm"}
    assert all(each.cost["total"] > 0 and each.metadata["litellm"]["model_group"] for each in found)
    assert (found[-1].type, found[-1].tenant_id) == ("embedding", "acme")


def test_clients_without_an_owner_name_themselves_and_refusals_are_nobodys(
    tmp_path: Path, server: LlmServer
) -> None:
    proxy = Proxy(tmp_path, server)
    traceparent = f"00-{0xABC:032x}-{0xDEF:016x}-01"
    claims = {"metadata": {"tenant_id": "claimed", "agent_id": "analyst", "run": 7, "tags": ["night"]}}
    proxy.post("/v1/chat/completions", KEY_OF_NOBODY, {**CHAT, **claims}, traceparent=traceparent)
    proxy.post("/v1/chat/completions", "sk-acme", {**CHAT, "model": "broken", "stream": True})
    proxy.post("/v1/chat/completions", "stolen", {**CHAT, **claims})
    own, failed, refused = proxy.end()
    assert (own.tenant_id, own.agent_id, own.tags, own.metadata["run"]) == (
        "claimed",
        "analyst",
        ["night"],
        7,
    )
    assert (own.trace_id, own.parent_id) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert (failed.level, failed.tenant_id, failed.usage) == ("ERROR", "acme", None)
    assert (refused.level, refused.tenant_id, refused.input) == ("ERROR", None, None)


def test_a_spent_budget_of_the_model_that_the_router_chooses_answers_402(
    tmp_path: Path, server: LlmServer
) -> None:
    budgets = '[{"model": "gpt-4o", "limit": 0.00001, "window": "day", "on_exceeded": "raise"}]'
    proxy = Proxy(tmp_path, server, AGENT_TRACE_BUDGETS=budgets)
    end_s = time.monotonic() + 20
    while (answer := proxy.post("/v1/chat/completions", "sk-acme", CHAT))[
        0
    ] == 200 and time.monotonic() < end_s:
        time.sleep(0.1)
    made = len(server.requests)
    again = proxy.post("/v1/chat/completions", "sk-acme", CHAT)
    assert (answer[0], again[0], len(server.requests)) == (402, 402, made)
    assert "the budget of model gpt-4o is spent" in answer[1]
    assert proxy.end()[-1].error["type"] == "agent_trace.errors.BudgetExceeded"
