"""`run`: the program behaves as under `python`, and is recorded."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import clean_environment, run_cli, run_process

PROGRAM = """
import atexit, os, pickle, sys, threading, time
from agent_trace import observe_llm
import beside

class Thing: pass

@observe_llm(name="ask")
def ask(prompt):
    return prompt.upper()

print(sys.argv[1:], os.path.basename(sys.argv[0]), __name__, __file__, beside.value, sys.path[0])
print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, sys.modules["__main__"].ask is ask)
atexit.register(lambda: print("atexit", pickle.dumps(Thing()) is not None))
threading.Thread(target=lambda: (threading.main_thread().join(), print("thread", sys.modules["__main__"].ask is ask))).start()
ask("hello")
match sys.argv[1:]:
    case ["raise", *_]: raise ValueError("bad") from KeyError("why")
    case ["exit", *_]: sys.exit(3)
    case ["words", *_]: sys.exit("in words")
    case ["interrupt", *_]: raise KeyboardInterrupt
    case ["hook", *_]:
        code = sys._getframe().f_code
        sys.excepthook = lambda kind, error, trace: print("hooked", trace.tb_frame.f_code is code)
        raise ValueError("bad")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "setup.cfg").write_text("[agent_trace]\nenvironment = from-the-project\nquiet = yes\n")
    (root / "programs").mkdir()
    (root / "programs" / "desk.py").write_text(PROGRAM)
    (root / "programs" / "beside.py").write_text("value = 7\n")
    (root / "broken.py").write_text("def f(:\n")
    (root / "package").mkdir()
    (root / "package" / "__init__.py").write_text("")
    (root / "package" / "__main__.py").write_text(
        "import sys\nfrom . import part\nprint(sys.argv, __package__, __spec__.name, part.x)\n"
    )
    (root / "package" / "part.py").write_text("x = 1\n")
    return root


def python(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def last_run(project: Path) -> list[dict]:
    shown = json.loads(run_cli("show", "last", "--json", "--store", str(project / ".agent_trace")).stdout)
    return shown["observations"]


@pytest.mark.parametrize("how", ["fine", "raise", "exit", "words", "interrupt", "hook"])
def test_a_script_prints_fails_and_exits_as_under_python(project, how):
    ours = run_process("run", "programs/desk.py", how, "--option", "x", cwd=project)
    theirs = python(project, "programs/desk.py", how, "--option", "x")
    assert ours.stdout == theirs.stdout
    assert ours.stderr == theirs.stderr
    assert ours.returncode == theirs.returncode


@pytest.mark.parametrize(
    ("how", "level", "status", "error"),
    [("fine", "DEFAULT", 0, None), ("raise", "ERROR", 1, "ValueError"), ("exit", "ERROR", 3, None)],
)
def test_everything_nests_below_one_observation_that_tells_how_it_ended(project, how, level, status, error):
    run_process("run", "programs/desk.py", how, cwd=project)
    root, call = last_run(project)
    assert (root["name"], root["type"], root["parent_id"]) == ("desk.py", "span", None)
    assert (root["level"], root["metadata"]["exit_status"]) == (level, status)
    assert root["metadata"]["arguments"] == [how]
    assert (root["error"] and root["error"]["type"]) == error
    assert (call["name"], call["parent_id"]) == ("ask", root["id"])
    assert call["environment"] == "from-the-project"


def test_a_recorded_stack_begins_in_the_program(project):
    run_process("run", "programs/desk.py", "raise", cwd=project)
    stack = last_run(project)[0]["error"]["stack"]
    assert "desk.py" in stack
    assert "cli/program.py" not in stack


def test_a_module_runs_as_under_python_m(project):
    ours = run_process("run", "-m", "package", "a", "-b", cwd=project)
    theirs = python(project, "-m", "package", "a", "-b")
    assert (ours.stdout, ours.returncode) == (theirs.stdout, 0)
    assert last_run(project)[0]["name"] == "package"


def test_a_syntax_error_reads_as_under_python(project):
    ours, theirs = run_process("run", "broken.py", cwd=project), python(project, "broken.py")
    assert ours.stderr == theirs.stderr
    assert ours.returncode == 1


@pytest.mark.parametrize(
    "arguments", [("none.py",), ("-m", "no_such_module"), ("-m", "package.part.x"), ("package",)]
)
def test_a_program_that_is_not_there_is_one_line(project, arguments):
    result = run_process("run", *arguments, cwd=project)
    assert result.returncode in (1, 2)
    assert result.stderr.startswith("agent-trace: ") and result.stderr.count("\n") == 1


def test_switched_off_it_runs_all_the_same(project, tmp_path):
    environment = clean_environment(ENABLE_LANGFUSE="false")
    result = run_process(
        "run", "--store", str(tmp_path / "s"), "programs/desk.py", "exit", cwd=project, env=environment
    )
    assert result.returncode == 3
    assert not (tmp_path / "s" / "segments").exists()


def test_another_store_may_be_named(project, tmp_path):
    run_process("run", "--store", str(tmp_path / "other"), "programs/desk.py", "fine", cwd=project)
    assert "desk.py" in run_cli("list", "--store", str(tmp_path / "other")).stdout


def test_a_program_that_is_killed_shows_as_interrupted(project, tmp_path):
    (tmp_path / "die.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    result = run_process("run", "--store", str(tmp_path / "s"), str(tmp_path / "die.py"), cwd=project)
    assert result.returncode == -signal.SIGKILL
    assert run_cli("list", "--store", str(tmp_path / "s")).stdout.splitlines()[1].startswith("interrupted")


def test_the_environment_of_the_program_is_not_changed(project, tmp_path):
    (tmp_path / "env.py").write_text("import os, json\nprint(json.dumps(dict(os.environ)))\n")
    environment = clean_environment()
    result = run_process(
        "run", "--store", str(tmp_path / "s"), str(tmp_path / "env.py"), cwd=project, env=environment
    )
    seen = json.loads(result.stdout)
    assert {name: seen.get(name) for name in environment} == environment
    assert set(seen) - set(environment) <= {"LC_CTYPE"}  # which Python sets itself
    assert os.environ.get("AGENT_TRACE_DIR") is None
