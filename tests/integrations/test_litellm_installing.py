"""LiteLLM observed or not: one callback and never two, keys from wherever they stand, nothing left behind."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent_trace import Store, init_langfuse, instrument_litellm, uninstrument_litellm
from agent_trace.recording import process
from tests.support.litellm_calls import ASKED
from tests.support.programs import run_program

litellm: Any = pytest.importorskip("litellm")

KEYS = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_BASE_URL", "LANGFUSE_HOST")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """No keys, a store of its own, and the process's recording put back afterwards."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGENT_TRACE_DIR", str(tmp_path / "store"))
    monkeypatch.setenv("AGENT_TRACE_QUIET", "1")
    monkeypatch.setattr(process, "_arguments", {})
    former = process.install(None)
    yield
    uninstrument_litellm()
    process.install(former)


def ours() -> list[Any]:
    return [each for each in litellm.callbacks if type(each).__module__.startswith("agent_trace.")]


def test_without_keys_nothing_is_done() -> None:
    assert init_langfuse() is False
    assert init_langfuse({"public_key": "pk-lf-1"}) is False
    assert ours() == []


def test_keys_of_the_environment_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-1")
    assert init_langfuse() is True
    assert len(ours()) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"public_key": "pk-lf-2", "secret_key": "sk-lf-2", "base_url": "http://localhost:9"},
        SimpleNamespace(
            LANGFUSE_PUBLIC_KEY="pk-lf-2", LANGFUSE_SECRET_KEY="sk-lf-2", LANGFUSE_HOST="http://localhost:9"
        ),
        SimpleNamespace(
            langfuse_public_key="pk-lf-2",
            langfuse_secret_key=SimpleNamespace(get_secret_value=lambda: "sk-lf-2"),
            langfuse_base_url="http://localhost:9",
        ),
    ],
)
def test_keys_of_the_settings_are_delivered_with(settings: Any) -> None:
    assert init_langfuse(settings) is True
    now = process.current().settings
    assert (now.public_key, now.secret_key, now.base_url) == ("pk-lf-2", "sk-lf-2", "http://localhost:9")


def test_the_environment_goes_before_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-env")
    assert init_langfuse({"public_key": "pk-lf-2", "secret_key": "sk-lf-2"}) is True
    now = process.current().settings
    assert (now.public_key, now.secret_key) == ("pk-lf-env", "sk-lf-2")


def test_asked_for_again_and_again_there_is_one_callback() -> None:
    before = list(litellm.callbacks)
    for _ in range(3):
        assert instrument_litellm() is True
        assert init_langfuse({"public_key": "pk-lf-2", "secret_key": "sk-lf-2"}) is True
    assert len(ours()) == 1
    litellm.completion(model="gpt-4o", messages=ASKED, mock_response="HOLD")
    assert sum(each in ours() for each in litellm.success_callback) == 1
    uninstrument_litellm()
    uninstrument_litellm()
    assert litellm.callbacks == before
    lists = ("input_callback", "success_callback", "failure_callback", "_async_success_callback")
    left = [each for name in lists for each in getattr(litellm, name) if not isinstance(each, str)]
    assert [each for each in left if type(each).__module__.startswith("agent_trace.")] == []
    assert type(litellm.Logging.__init__).__name__ == "function"


def test_the_proxys_name_for_it_is_the_same_callback() -> None:
    from agent_trace.integrations import litellm_proxy

    instrument_litellm()
    assert ours() == [litellm_proxy.logger]


def test_a_callback_that_the_program_has_taken_out_can_be_put_in_again() -> None:
    instrument_litellm()
    litellm.callbacks.clear()
    assert instrument_litellm() is True
    assert len(ours()) == 1


def test_without_litellm_there_is_nothing_to_do_and_nothing_is_imported() -> None:
    program = """
import sys, importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "litellm" else found(name, *rest)
from agent_trace import init_langfuse, instrument_litellm, uninstrument_litellm
print(init_langfuse({"public_key": "pk-lf-1", "secret_key": "sk-lf-1"}), instrument_litellm())
uninstrument_litellm()
print([name for name in sys.modules if name.split(".")[0] == "litellm"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("False False\n[]\n", "")


BEGINNING = """
import asyncio, os, sys
import litellm
from agent_trace import ObservabilityContext, instrument_litellm, observe_llm
instrument_litellm()
ASKED = [{"role": "user", "content": "AAPL?"}]
"""


def test_calls_right_before_the_end_of_a_program_are_kept(tmp_path: Path) -> None:
    program = """
    async def work():
        with ObservabilityContext.scope(tenant_id="acme"):
            await litellm.acompletion(model="gpt-4o", messages=ASKED, mock_response="HOLD")
    with ObservabilityContext.scope(tenant_id="acme"):
        litellm.completion(model="gpt-4o", messages=ASKED, mock_response="HOLD")
    asyncio.run(work())
    async def refused():
        with ObservabilityContext.scope(tenant_id="acme"):
            await litellm.acompletion(
                model="gpt-4o", messages=ASKED, mock_response="litellm.RateLimitError", num_retries=1
            )
    try:
        asyncio.run(refused())
    except litellm.RateLimitError:
        print("done")
    """
    done = run_program(BEGINNING, program, tmp_path, LITELLM_LOCAL_MODEL_COST_MAP="True")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    found = list(Store(tmp_path / "store").observations(newest_first=False))
    usage = {"input": 10, "output": 20}
    assert [(each.level, each.usage) for each in found] == [
        *[("DEFAULT", usage)] * 2,
        ("ERROR", None),
        ("WARNING", None),  # the second attempt, of which LiteLLM does not tell
    ]
    assert {each.tenant_id for each in found} == {"acme"}
