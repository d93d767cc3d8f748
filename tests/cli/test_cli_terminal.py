"""Real processes: pipes that close early, terminals, colours, Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from tests.support.cli import (
    DESK,
    at,
    clean_environment,
    desk_store,
    run_in_terminal,
    run_process,
    with_ctrl_c,
)
from tests.support.segments import record, write_segment

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def tailing(*arguments: str, cwd: Path, **options: Any) -> "Iterator[subprocess.Popen[str]]":
    """A running `tail`, which ends with the test, or after half a minute."""
    command = [sys.executable, "-m", "agent_trace", "tail", *arguments]
    environment = clean_environment()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        cwd=cwd,
        env=environment,
        text=True,
        preexec_fn=with_ctrl_c,
        **options,
    ) as tail:
        watchdog = threading.Timer(30, tail.kill)
        watchdog.start()
        try:
            yield tail
        finally:
            watchdog.cancel()
            tail.kill()


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "setup.cfg").write_text("")
    desk_store(root / ".agent_trace")
    return root


def test_a_pipe_gets_no_colour_and_a_terminal_does(project):
    assert "\x1b" not in run_process("list", cwd=project).stdout
    assert COLOUR.search(run_in_terminal("list", cwd=project))


def test_no_color_means_no_escapes_at_all(project):
    assert "\x1b" not in run_in_terminal("list", cwd=project, NO_COLOR="1")


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_no_line_is_wider_than_the_terminal(project, columns):
    for command in (("list",), ("show", "3f9a"), ("show", "3f9a", "--full"), ("show", "eeee"), ("status",)):
        seen = run_in_terminal(*command, cwd=project, columns=columns, NO_COLOR="1")
        widest = max(seen.splitlines(), key=lambda line: Text(line).cell_len)
        assert Text(widest).cell_len <= columns, widest


def test_sixty_columns_still_tell_what_ran_failed_cost_and_was_decided(project):
    seen = run_in_terminal("list", cwd=project, columns=60, NO_COLOR="1")
    line = next(line for line in seen.splitlines() if DESK[:8] in line)
    for part in ("error", "trading desk", "$0.0123", "BUY"):
        assert part in line


def test_ids_are_short_for_eyes(project):
    assert DESK not in run_in_terminal("list", cwd=project)


def test_json_on_a_terminal_steers_nothing_and_means_the_same(project):
    seen = run_in_terminal("show", "eeee", "--json", cwd=project)
    assert "\u202e" not in seen and "\x1b" not in seen
    assert json.loads(seen) == json.loads(run_process("show", "eeee", "--json", cwd=project).stdout)


def test_a_terminal_without_unicode_is_served(project):
    environment = clean_environment(PYTHONIOENCODING="ascii", LC_ALL="C")
    result = run_process("show", "3f9a", cwd=project, env=environment)
    assert result.returncode == 0
    assert "`- analyst" in result.stdout and result.stdout.isascii()


@pytest.mark.parametrize("command", ["export", "list --limit 5000", "export --format csv"])
def test_a_pipe_that_is_closed_early_is_no_error(tmp_path: Path, command: str):
    many = [record(trace_id=f"{n:x}", id=f"{n:x}", name=f"n{n}" * 20, start_ns=at(n)) for n in range(1, 3000)]
    write_segment(tmp_path, many)
    shell = (
        f"{sys.executable} -m agent_trace {command} --store {tmp_path} | head -n 1; echo ${{PIPESTATUS[0]}}"
    )
    result = subprocess.run(
        ["bash", "-c", shell],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert result.stderr.replace("agent-trace: there may be more", "") == "" or "--before" in result.stderr
    assert "Traceback" not in result.stderr and "BrokenPipe" not in result.stderr
    assert result.stdout.splitlines()[1] == "0"


def test_tail_shows_what_arrives_and_ends_cleanly_with_ctrl_c(tmp_path: Path):
    (tmp_path / "setup.cfg").write_text("[agent_trace]\nquiet = yes\n")
    code = "from agent_trace import observe_llm; import time\n@observe_llm(name='ask')\ndef ask(): pass\n"
    code += "for _ in range(200): ask(); time.sleep(0.05)"
    with tailing("--json", "--name", "ask", cwd=tmp_path, stderr=subprocess.PIPE) as tail:
        assert "waiting for the first call" in tail.stderr.readline()
        program = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=clean_environment())
        seen = [json.loads(tail.stdout.readline()) for _ in range(4)]
        program.kill()
        program.wait()
        assert {each["name"] for each in seen} == {"ask"}
        tail.send_signal(signal.SIGINT)
        _, errors = tail.communicate(timeout=20)
        assert (tail.returncode, errors) == (0, "")


def test_tail_first_shows_the_last_ones(project):
    with tailing("--last", "3", cwd=project) as tail:
        lines = [tail.stdout.readline() for _ in range(3)]
    assert "BUY 0.82 AAPL" in lines[0]
    assert "752 out of any scale" in lines[1]
    assert lines[2].rstrip().endswith("running")


def test_python_m_agent_trace_is_the_command(project):
    result = run_process("--version", cwd=project)
    assert re.fullmatch(r"agent-trace \d+\.\d+\.\d+\n", result.stdout)


def test_quick_commands_load_neither_rich_nor_sqlite(project):
    code = """
import sys
from agent_trace.cli import main
sys.argv[1:] = [sys.argv[1]]
try:
    main()
except SystemExit:
    pass
print(sorted({"rich", "sqlite3", "langfuse", "pyarrow", "agent_trace.store"} & set(sys.modules)))
"""
    for command in ("--version", "path"):
        result = subprocess.run(
            [sys.executable, "-c", code, command],
            cwd=project,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert result.stdout.splitlines()[-1] == "[]"


def test_exit_codes_tell_failure_from_wrong_usage(project):
    assert run_process("show", "abcdef", cwd=project).returncode == 1
    assert run_process("show", "--nonsense", cwd=project).returncode == 2
    assert run_process("list", cwd=project).returncode == 0
    assert run_process(cwd=project).returncode == 0


def test_a_full_disk_under_stdout_is_one_line(project):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        result = run_process("export", cwd=project, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr == "agent-trace: No space left on device\n"
