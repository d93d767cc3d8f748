"""LiteLLM for tests: imported without a look at the network, and waited for where it tells of calls later."""

import asyncio
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

# LiteLLM would fetch its price table when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

from agent_trace import Store
from agent_trace.observation import Observation
from agent_trace.testing import Recorded
from tests.support.llm_server import LlmServer
from tests.support.programs import run_program

ASKED: Final = [{"role": "user", "content": "Symbol: AAPL. Decide."}]
_PATIENCE_S: Final = 20.0


def wait_for(observations: Recorded, count: int, name: str = "litellm.") -> list[Any]:
    """The observations of LiteLLM's calls, in the order of their start, once there are that many; or what there is."""
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        found = [each for each in observations if each.name.startswith(name)]
        if len(found) >= count or time.monotonic() > end_s:
            return sorted(found, key=lambda each: each.start_ns)
        gc.collect()
        time.sleep(0.01)


def left_by_killed(program: str, call: str, directory: Path, server: LlmServer) -> Observation:
    """The one observation that a program leaves which kills itself when a call of LiteLLM has returned."""
    variables = {"SERVER": server.url, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "AGENT_TRACE_QUIET": "1"}
    done = run_program(program, call, directory, **variables)
    assert done.returncode == -9, done.stderr
    with Store(directory / "store") as store:
        (found,) = store.observations()
    return found


def run_until_told(observations: Recorded, count: int, work: Callable[[], Any]) -> Any:
    """Run asynchronous work in a loop that goes on until LiteLLM has told of that many calls."""

    async def whole() -> Any:
        result = await work()
        end_s = time.monotonic() + _PATIENCE_S
        while sum(each.name.startswith("litellm.") for each in observations) < count:
            if time.monotonic() > end_s:
                break
            await asyncio.sleep(0.01)
        return result

    return asyncio.run(whole())
