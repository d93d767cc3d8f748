"""A burst of calls delivered to a live backend: kept, CPU a call in caller and forwarder together, and exit time.

Ours beside `langfuse.observe`, each in a process of its own, with the same server, which is a third one.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rounds import warm_memory

_PLAIN = "traced = answer\ndef flush(): pass\n"
_OURS = """
from agent_trace import LangFuseTracker, observe_llm
traced = observe_llm(answer)
def flush(): LangFuseTracker().flush(120)
"""
_LANGFUSE = """
import langfuse
from opentelemetry.sdk.trace import TracerProvider
client = langfuse.Langfuse(tracer_provider=TracerProvider())
traced = langfuse.observe(answer)
def flush(): client.flush()
"""
_PROGRAM = """
import sys, time
from benchmarks.workload import answer, conversations
{setup}
calls = int(sys.argv[1])
for messages in conversations(1): traced(messages)
for _ in range(calls // 500):
    for messages in conversations(500):
        traced(messages)
if sys.argv[2] == "flush":
    flush()
print(time.time(), flush=True)
"""


@dataclass
class Delivered:
    """What became of a burst. `cpu_us`: user and system time of the process a call, without that of a plain run."""

    calls: int
    kept: int
    cpu_us: float
    exit_s: float


def measure(calls: int = 50_000) -> dict[str, Delivered]:
    """By what traced it."""
    with tempfile.TemporaryDirectory() as directory:
        warm_memory(Path(directory), megabytes=600)
    plain = _run(_PLAIN, calls, flush=False)
    found = {}
    for name, setup in (("agent_trace", _OURS), ("langfuse.observe", _LANGFUSE)):
        ran = _run(setup, calls, flush=True)
        found[name] = Delivered(ran.calls, ran.kept, ran.cpu_us - plain.cpu_us, ran.exit_s)
    return found


def _run(setup: str, calls: int, flush: bool) -> Delivered:
    with _server() as url, tempfile.TemporaryDirectory() as directory:
        variables = {
            "LANGFUSE_PUBLIC_KEY": "pk-lf-bench",
            "LANGFUSE_SECRET_KEY": "sk-lf-bench",
            "LANGFUSE_BASE_URL": url,
            "AGENT_TRACE_DIR": directory,
            "AGENT_TRACE_QUIET": "1",
        }
        arguments = [
            sys.executable,
            "-c",
            _PROGRAM.format(setup=setup),
            str(calls),
            "flush" if flush else "end",
        ]
        running = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
        )
        assert running.stdout is not None
        done_at_s = float(running.stdout.readline())
        _, _, usage = os.wait4(running.pid, 0)
        exit_s = time.time() - done_at_s
        with urllib.request.urlopen(f"{url}/count") as answer:
            kept = int(answer.read())
    return Delivered(calls + 1, kept, (usage.ru_utime + usage.ru_stime) / calls * 1e6, exit_s)


@contextmanager
def _server() -> Iterator[str]:
    serving = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert serving.stdin is not None and serving.stdout is not None
    try:
        yield serving.stdout.readline().strip()
    finally:
        serving.stdin.close()
        serving.wait()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    for name, each in measure(count).items():
        print(
            f"{name:18} {each.kept:,} of {each.calls:,} kept, {each.cpu_us:.0f} µs of CPU a call, exit {each.exit_s:.2f} s"
        )
