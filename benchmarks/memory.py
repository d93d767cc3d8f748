"""Whether memory stays flat: 200,000 traced calls in one process, its resident size as it goes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from agent_trace import LangFuseTracker, observe_llm
from benchmarks.workload import answer, conversations


def measure_apart(calls: int) -> dict[str, float]:
    """`measure` in a process of its own: where others ran before, what they gave back hides what this takes."""
    command = [sys.executable, "-m", "benchmarks.memory", str(calls)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    grown: dict[str, float] = json.loads(told)
    return grown


def measure(calls: int = 200_000) -> dict[str, float]:
    """Megabytes that the process has grown by, after the first tenth and after all of the calls."""
    directory = Path(tempfile.mkdtemp())
    LangFuseTracker(directory=directory, quiet=True, max_store_bytes=64 << 20)
    traced = observe_llm(answer)
    traced(conversations(1)[0])
    before = _anonymous_mb()
    grown = []
    for tenth in range(10):
        for _ in range(100):
            for messages in conversations(calls // 1000):
                traced(messages)
        if tenth in (0, 9):
            grown.append(_anonymous_mb() - before)
    LangFuseTracker().shutdown()
    shutil.rmtree(directory, ignore_errors=True)
    return {"MB after a tenth": grown[0], f"MB after {calls:,} calls": grown[1]}


def _anonymous_mb() -> float:
    """Memory of its own, without the mapped journal, which is page cache."""
    for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
