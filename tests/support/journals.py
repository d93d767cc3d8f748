"""Lines for journals, what can be read back from them, and programs that write them and die."""

import json
import os
import subprocess
import sys
from pathlib import Path

from agent_trace.delivery.reader import list_segments, read_lines

ROOT = Path(__file__).resolve().parents[2]


def line(number: int, who: str = "a", padding: int = 0) -> bytes:
    """A record that says which it is; `padding` makes it that many bytes longer."""
    return f'{{"v":1,"kind":"observation","who":"{who}","n":{number},"pad":"{"x" * padding}"}}\n'.encode()


def segment_lines(path: Path, max_bytes: int = 4 << 20) -> tuple[list[bytes], int, int]:
    """Every line of a segment, read chunk by chunk, and how many places were torn and damaged."""
    lines: list[bytes] = []
    torn = damaged = position = 0
    while True:
        chunk = read_lines(path, position, max_bytes)
        lines += [each for _, each in chunk.lines]
        torn, damaged = torn + chunk.torn, damaged + chunk.damaged
        if chunk.position <= max(position, 1024):
            return lines, torn, damaged
        position = chunk.position


def store_lines(directory: Path) -> list[bytes]:
    """Every line of a store, segment by segment."""
    return [each for path in list_segments(directory) for each in segment_lines(path)[0]]


def numbers(directory: Path, who: str | None = None) -> list[int]:
    """The numbers of the recorded lines, sorted; of one writer or of all."""
    records = [json.loads(each) for each in store_lines(directory)]
    return sorted(record["n"] for record in records if who is None or record["who"] == who)


def start_program(code: str, *arguments: object) -> "subprocess.Popen[bytes]":
    """Start a Python program with pipes; it imports agent_trace and tests.support from this tree."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what was read ahead would be missing from `communicate`
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def run_program(code: str, *arguments: object, timeout_s: float = 60) -> "subprocess.CompletedProcess[bytes]":
    """Run a Python program to its end, whatever that is."""
    with start_program(code, *arguments) as process:
        out, err = process.communicate(timeout=timeout_s)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
