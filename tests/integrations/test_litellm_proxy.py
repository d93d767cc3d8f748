"""LiteLLM's proxy as a server of its own, configured as the guide says. Needs what `litellm[proxy]` brings."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from agent_trace import Store
from tests.support.litellm_calls import ASKED
from tests.support.llm_server import USAGE, LlmServer

START_S = 90
KEY_OF_NOBODY = "sk-nobody"
MASTER_KEY = "sk-master-0123456789abcdef"
AUTH = f"""
from litellm.proxy._types import UserAPIKeyAuth

async def check(request, api_key):
    if not api_key.startswith("sk-"):
        raise ValueError("no such key")
    if api_key == "{KEY_OF_NOBODY}":
        return UserAPIKeyAuth(api_key=api_key)
    return UserAPIKeyAuth(api_key=api_key, org_id=api_key.removeprefix("sk-"), user_id="user-of-the-key")
"""
CONFIG = """
model_list:
  - model_name: desk
    litellm_params: {{model: openai/gpt-4o, api_base: {server}/v1, api_key: x}}
  - model_name: embed
    litellm_params: {{model: openai/text-embedding-3-small, api_base: {server}/v1, api_key: x}}
  - model_name: claude
    litellm_params: {{model: anthropic/claude-sonnet-4-5, api_base: {server}, api_key: x}}
  - model_name: broken
    litellm_params: {{model: openai/gpt-4o, api_base: "http://127.0.0.1:1/v1", api_key: x, max_retries: 0}}
router_settings: {{num_retries: 0}}
litellm_settings: {{callbacks: tracing.logger}}
general_settings: {{custom_auth: auth.check, master_key: {master_key}, always_include_stream_usage: true}}
"""


class Proxy:
    """A running proxy: `post` as a client, `end` kills it and gives what was recorded."""

    def __init__(self, directory: Path, server: LlmServer, **variables: str) -> None:
        self._store = directory / "store"
        (directory / "tracing.py").write_text("from agent_trace.integrations.litellm_proxy import logger\n")
        (directory / "auth.py").write_text(AUTH)
        (directory / "config.yaml").write_text(CONFIG.format(server=server.url, master_key=MASTER_KEY))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._url = f"http://127.0.0.1:{free.getsockname()[1]}"
        self._log = (directory / "log").open("w")
        self._process = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-c",
                    "from litellm import run_server; run_server()",
                    "--config",
                    "config.yaml",
                ),
                *("--host", "127.0.0.1", "--port", self._url.rpartition(":")[2]),
            ],
            cwd=directory,
            env={
                **os.environ,
                "AGENT_TRACE_DIR": str(self._store),
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                **variables,
            },
            stdout=self._log,
            stderr=self._log,
        )
        self._wait(directory / "log")

    def _wait(self, log: Path) -> None:
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self._url}/health/liveliness", timeout=5).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        self.kill()
        raise AssertionError(log.read_text()[-3_000:])

    def post(self, path: str, key: str, body: dict[str, Any], **headers: str) -> tuple[int, str]:
        """Status and text of the answer."""
        request = urllib.request.Request(
            self._url + path,
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def end(self) -> list[Any]:
        """What is in the store when the proxy is killed: nothing may be waiting in it."""
        self.kill()
        with Store(self._store) as store:
            return list(store.observations(newest_first=False))

    def kill(self) -> None:
        """At once."""
        self._process.kill()
        self._process.wait()
        self._log.close()


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
