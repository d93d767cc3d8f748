"""How long the import takes and what it weighs, in processes of their own, ours and Langfuse's in turn."""

import statistics
import subprocess
import sys

_PROGRAM = """
import time
def anonymous_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon:"))
before = anonymous_mb()
begun = time.perf_counter()
{code}
print((time.perf_counter() - begun) * 1e3, anonymous_mb() - before)
"""
_IMPORTS = {
    "import agent_trace": "import agent_trace",
    "from agent_trace import observe_llm": "from agent_trace import observe_llm",
    "the same, asyncio loaded already": "from agent_trace import observe_llm",
    "import langfuse": "import langfuse",
}
_LOADED = {"the same, asyncio loaded already": "import asyncio, importlib.metadata"}


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Median (milliseconds, megabytes) by import."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in _IMPORTS}
    for _ in range(rounds):
        for name, code in _IMPORTS.items():
            program = _LOADED.get(name, "pass") + _PROGRAM.format(code=code)
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            took_ms, megabytes = map(float, done.stdout.split())
            found[name].append((took_ms, megabytes))
    return {
        name: (statistics.median(each[0] for each in rows), statistics.median(each[1] for each in rows))
        for name, rows in found.items()
    }
