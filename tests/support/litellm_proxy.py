"""LiteLLM's proxy as a server of its own, configured as the guide says, and with an endpoint that is passed through.

Needs what `litellm[proxy]` brings. Its models are those of a local server.
"""

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
from agent_trace.errors import StoreMissing
from tests.support.llm_server import LlmServer

START_S = 90
LATER_S = 20
KEY_OF_NOBODY = "sk-nobody"
MASTER_KEY = "sk-master-0123456789abcdef"
AUTH = f"""
from litellm.proxy._types import UserAPIKeyAuth

async def check(request, api_key):
    if not api_key.startswith("sk-"):
        raise ValueError("no such key")
    if api_key == "{KEY_OF_NOBODY}":
        return UserAPIKeyAuth(api_key=api_key)
    asked_once = {{"rpm_limit": 1, "agent_id": "of-the-key"}} if api_key == "sk-slow" else {{}}
    return UserAPIKeyAuth(
        api_key=api_key, org_id=api_key.removeprefix("sk-"), user_id="user-of-the-key", **asked_once
    )
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
general_settings: {{custom_auth: auth.check, master_key: {master_key}, always_include_stream_usage: true,
  pass_through_endpoints: [{{path: /house, target: "{server}/v1/chat/completions"}}]}}
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

    def end(self, at_least: int = 0) -> list[Any]:
        """What is in the store when the proxy is killed: nothing may be waiting in it.

        at_least: how many have to be there before, where LiteLLM tells of some only when their client has its answer.
        """
        end_s = time.monotonic() + LATER_S
        while at_least and time.monotonic() < end_s and len(self._ended()) < at_least:
            time.sleep(0.1)
        self.kill()
        with Store(self._store) as store:
            return list(store.observations(newest_first=False))

    def _ended(self) -> list[Any]:
        try:
            with Store(self._store) as store:
                return [each for each in store.observations() if each.end_ns is not None]
        except StoreMissing:
            return []

    def kill(self) -> None:
        """At once."""
        self._process.kill()
        self._process.wait()
        self._log.close()
