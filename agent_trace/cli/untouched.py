"""The second half of the demo: a codebase without tracing, attached to from outside and run in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import agent_trace.examples
from agent_trace.discovery import discover
from agent_trace.errors import StoreError

if TYPE_CHECKING:
    from agent_trace.store.answers import Node, Trace

_MOST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of it: what was attached, what the program printed, its trace. `problem` when it did not work."""

    entry_points: list[str]
    printed: list[str]
    trace: "Trace | None"
    problem: str | None = None


def script() -> Path:
    """The desk's main script, in a checkout or in an installed wheel."""
    folders = [Path(folder) / "untouched_desk" for folder in agent_trace.examples.__path__]
    return next(folder for folder in folders if folder.is_dir()) / "main.py"


def nearby(path: Path) -> Path:
    """The path as seen from the working directory, when it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def entry_points() -> list[str]:
    """What discovery proposes for it."""
    return discover(script().parent).instrument


class Running:
    """It runs from here on, under `agent-trace run --instrument …`, beside whatever else there is to do."""

    def __init__(self, entry_points: Sequence[str], store: Path) -> None:
        self.entry_points = list(entry_points)
        self._store = store
        self._started_ns = time.time_ns()
        options = [part for each in entry_points for part in ("--instrument", each)]
        command = [sys.executable, "-m", "agent_trace", "run", "--store", str(store), *options, str(script())]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self) -> Ran:
        """Wait for its end, and read what was recorded of it."""
        try:
            out, err = self._process.communicate(timeout=_MOST_SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            return Ran(self.entry_points, [], None, f"it did not end within {_MOST_SECONDS} seconds")
        printed = out.splitlines()
        if self._process.returncode:
            why = err.strip().splitlines()[-1:] or [f"exit status {self._process.returncode}"]
            return Ran(self.entry_points, printed, None, why[0])
        return Ran(self.entry_points, printed, _recorded(self._store, self._started_ns))

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def _recorded(store: Path, since_ns: int) -> "Trace | None":
    from agent_trace.store import Filter, Store

    try:
        with Store(store) as opened:
            rows = opened.traces(Filter(name=script().name, since_ns=since_ns), limit=1)
            return opened.trace(rows[0].trace_id) if rows else None
    except StoreError:
        return None


def briefly(trace: "Trace") -> "Trace":
    """The same trace with one branch below its root: the one in which something went wrong, if any."""
    from agent_trace.store.answers import Node

    (root, *_) = trace.roots
    branches = sorted(root.children, key=lambda each: (not _has_raised(each), -len(each.children)))
    shown = Node(root.observation, root.state, branches[:1])
    return replace(trace, roots=[shown], observations=[node.observation for _, node in shown.walk()])


def _has_raised(node: "Node") -> bool:
    return any(below.observation.level == "ERROR" for _, below in node.walk())
