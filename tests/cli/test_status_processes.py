"""`agent-trace status` about other processes: what is attached in those that run, what failed in them and in dead ones."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from agent_trace.cli.condition_table import condition_table
from agent_trace.reporting.condition import condition
from agent_trace.reporting.processes import AttachedTold, Process, alike, named, problems_of
from agent_trace.settings import load
from tests.support.cli import clean_environment, run_cli

DESK = """
class Model:
    def ask(self, prompt):
        return prompt

class Fast(Model):
    def ask(self, prompt):
        return prompt
"""
MAIN = """
import sys
from desk import Fast
print(Fast().ask("ready"), flush=True)
sys.stdin.read()
"""
# A class that makes itself something else, as clients do, within a target that swallows whatever its constructor raises;
# and a mistake of ours in it.
SWALLOWED = """
import sys
from agent_trace import instrument
from agent_trace.instrumentation.attachments import Attachment

def broken(self, *arguments):
    raise RuntimeError("Bearer abcdefghijklmnopqrstuvwxyz0123456789 was of no use")

Attachment._add_made = broken
import desk

class Factory:
    def create_model(self):
        return desk.Fast()

sys.modules["factory"] = sys.modules["__main__"]
instrument("factory:Factory.create_model")
try:
    model = Factory().create_model()
except:
    model = None
print(model.ask("ready"), flush=True)
sys.stdin.read()
"""


@contextmanager
def running(directory: Path, *command: str) -> Iterator["subprocess.Popen[str]"]:
    """A program that has said `ready`, and waits."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=directory,
        env=clean_environment(AGENT_TRACE_QUIET="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def status(directory: Path) -> str:
    return " ".join(run_cli("status", "--store", str(directory / ".agent_trace")).stdout.split())


def test_what_is_attached_in_a_running_program_is_listed_until_it_ends(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(DESK)
    (tmp_path / "main.py").write_text(MAIN)
    options = ["--instrument", "desk:Model.ask", "--instrument", "later:ask"]
    with running(tmp_path, "-m", "agent_trace", "run", *options, "main.py") as process:
        shown = status(tmp_path)
        assert f"attached in main.py (pid {process.pid}): desk:Model.ask 2 functions" in shown
        assert "later:ask waits for its import" in shown
        found = json.loads(run_cli("status", "--json", "--store", str(tmp_path / ".agent_trace")).stdout)
    (told,) = found["processes"]
    assert (told["pid"], told["service"], told["is_running"]) == (process.pid, "main.py", True)
    assert told["attached"][0] == {"entry_point": "desk:Model.ask", "state": "attached", "functions": 2}
    assert "attached in" not in status(tmp_path)


def test_a_failure_of_ours_that_the_target_swallowed_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(DESK)
    (tmp_path / "main.py").write_text(SWALLOWED)
    with running(tmp_path, "main.py") as process:
        shown = status(tmp_path)
    assert (
        f"problem main.py (pid {process.pid}): attaching what a factory made failed: RuntimeError: " in shown
    )
    assert "in broken) fix Look at that line" in shown
    assert "abcdefghijklmnopqrstuvwxyz" not in shown
    shown = status(tmp_path)
    assert f"problem main.py (pid {process.pid}, ended " in shown
    (tmp_path / "main.py").write_text(MAIN)
    with running(tmp_path, "-m", "agent_trace", "run", "--instrument", "desk:Model", "main.py"):
        assert "problems none" in status(tmp_path)


def process(pid: int, *, runs: bool = True, service: str = "worker.py") -> Process:
    attached = [AttachedTold(f"desk:Model{number}.ask", "attached", 1) for number in range(30)]
    return Process(pid, "here", service, runs, 0, attached, {"desk:x: there is no 'x' in desk": 1}, {}, [])


def test_processes_that_are_alike_are_told_of_together() -> None:
    two_hundred = [process(pid) for pid in range(1, 201)]
    (group,) = alike(two_hundred)
    assert named(group) == "worker.py (pid 1, 2, 3 and 197 more)"
    (problem,) = problems_of(two_hundred)
    assert problem.what == "worker.py (pid 1, 2, 3 and 197 more): desk:x: there is no 'x' in desk"
    assert "discover" in problem.fix
    assert alike([process(1, runs=False)]) == []


def test_however_many_programs_run_the_table_stays_readable(tmp_path: Path) -> None:
    found = condition(load({}), tmp_path)
    found.processes.extend(process(pid, service=f"{pid}.py") for pid in range(1, 201))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(condition_table(found))
    lines = console.export_text().splitlines()
    assert len(lines) < 150
    assert any("and 18 more" in line for line in lines) and any("and in 192 more" in line for line in lines)
