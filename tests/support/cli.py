"""A store with a little of everything in it, and the command line run in this process."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.support.segments import START_NS, record, write_segment

ROOT = Path(__file__).resolve().parents[2]
DESK = "3f9a1c2e5b7d4c60a1e2f3b4c5d6e7f8"
HOSTILE = "e" * 31 + "2"
CUT_OFF = "7c41d09b6a5e4f3d8c2b1a0f9e8d7c6b"
SUPERVISOR, ANALYST, BUSY, ANSWER = (
    "8a0f0121c3d4e5f6",
    "496d679b0a1b2c3d",
    "525ee5f39f8e7d6c",
    "03fe062d4b5c6d7e",
)
MS = 1_000_000

EVIL = "[red]markup[/red] \x1b[31mred\x1b[0m \u202etxt.exe \u200bhidden"


def with_ctrl_c() -> None:
    """In the child: Ctrl-C ends a program, also where the tests run in the background and it does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_cli(*arguments: str, input: str | None = None) -> Result:
    """Run `agent-trace` with these arguments; `.stdout`, `.stderr` and `.exit_code` tell what came of it."""
    from agent_trace.cli.commands import agent_trace

    return CliRunner().invoke(agent_trace, list(arguments), input=input, prog_name="agent-trace")


def at(milliseconds: int) -> int:
    """So many milliseconds after the beginning, in nanoseconds since the epoch."""
    return START_NS + milliseconds * MS


def desk_records() -> list[dict[str, Any]]:
    """A supervisor, an analyst whose first answer failed, and a signal that was parsed later."""
    scope = {"tenant_id": "demo-desk", "session_id": "run-1"}
    desk = {
        "trace_id": DESK,
        "id": SUPERVISOR,
        "type": "agent",
        "name": "trading desk",
        "start_ns": at(0),
        **scope,
    }
    analyst = {
        **desk,
        "id": ANALYST,
        "parent_id": SUPERVISOR,
        "name": "analyst",
        "agent_id": "analyst",
        "start_ns": at(5),
    }
    return [
        record("opened", **desk),
        record("opened", **analyst),
        record(**_generation(BUSY, 10, 200, error=_busy(), level="ERROR", status_message="busy")),
        record(**_generation(ANSWER, 210, 700, output="BUY, momentum is strong", **_answer())),
        record("amendment", trace_id=DESK, id=ANSWER, at_ns=at(710), tags=["signal:BUY"], signal=_buy()),
        record(**analyst, end_ns=at(720)),
        record(**desk, end_ns=at(1200), input={"symbol": "AAPL"}, output="done"),
    ]


def _generation(id: str, start_ms: int, end_ms: int, **fields: Any) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "You are an analyst."},
        {"role": "user", "content": "Look at AAPL."},
    ]
    return {
        "trace_id": DESK,
        "id": id,
        "parent_id": ANALYST,
        "type": "generation",
        "name": "chat",
        "start_ns": at(start_ms),
        "end_ns": at(end_ms),
        "model": "gpt-4o-mini",
        "input": {"messages": messages},
        "agent_id": "analyst",
        "tenant_id": "demo-desk",
        "session_id": "run-1",
        **fields,
    }


def _busy() -> dict[str, Any]:
    stack = 'Traceback (most recent call last):\n  File "desk.py", line 7\nBusy: 503'
    return {
        "type": "openai.InternalServerError",
        "message": "503 - busy",
        "context": {"attempt": 1},
        "stack": stack,
    }


def _answer() -> dict[str, Any]:
    return {
        "usage": {"input": 200, "cache_read": 1024, "output": 48},
        "cost": {"total": 0.0123, "currency": "USD", "source": "provider"},
        "redactions": [{"rule": "openai_key", "path": "input.messages[1].content"}],
        "truncated": [{"path": "input.messages[0]", "kept": 1 << 20, "of": 10 << 20, "unit": "bytes"}],
        "finish_reason": "stop",
    }


def _buy() -> dict[str, Any]:
    return {
        "action": "BUY",
        "confidence": 0.82,
        "confidence_scale": "0-1",
        "symbol": "AAPL",
        "reasoning": "Up 8 % in 20 days.",
    }


def hostile_records() -> list[dict[str, Any]]:
    """What a model wrote to fool its reader, of unknown price."""
    evil = {"trace_id": HOSTILE, "id": "a", "type": "generation", "name": EVIL, "model": EVIL, "input": EVIL}
    more = {"output": EVIL, "usage": {"input": 10, "output": 5}, "status_message": EVIL, "level": "WARNING"}
    signal = {
        "action": EVIL,
        "confidence": 752,
        "confidence_scale": "nonsense",
        "symbol": EVIL,
        "reasoning": EVIL,
    }
    scope = {
        "agent_id": EVIL,
        "tenant_id": EVIL,
        "session_id": EVIL,
        "tags": [EVIL],
        "metadata": {EVIL: EVIL},
    }
    error = {"type": EVIL, "message": EVIL, "stack": EVIL, "context": {EVIL: EVIL}}
    return [record(**evil, **more, **scope, signal=signal, error=error, start_ns=at(2000), end_ns=at(2100))]


def cut_off_records() -> list[dict[str, Any]]:
    """An agent whose process died."""
    return [record("opened", trace_id=CUT_OFF, id="b", type="agent", name="cut off", start_ns=at(3000))]


def desk_store(directory: Path, extra: Sequence[dict[str, Any]] = ()) -> Path:
    """Write the store and return its directory."""
    write_segment(directory, [*desk_records(), *hostile_records(), *cut_off_records(), *extra])
    return directory


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without anything that changes what we print or where we record."""
    dropped = (
        "AGENT_TRACE_",
        "LANGFUSE_",
        "ENABLE_LANGFUSE",
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
        "TTY_",
        "OTEL_",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables}


def run_process(*arguments: str, cwd: Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run `python -m agent_trace` in a process of its own."""
    options = {"env": clean_environment(), "capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run([sys.executable, "-m", "agent_trace", *arguments], cwd=cwd, check=False, **options)


def run_in_terminal(*arguments: str, cwd: Path, columns: int = 100, **variables: str) -> str:
    """Run it on a pseudo-terminal of so many columns, stdout and stderr both; what was seen there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [sys.executable, "-m", "agent_trace", *arguments]
    environment = clean_environment(**variables)
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    with contextlib.suppress(OSError):  # the last writer has closed its end
        while piece := os.read(master, 65536):
            seen += piece
    os.close(master)
    process.wait(30)
    return seen.decode().replace("\r\n", "\n")
