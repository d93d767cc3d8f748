"""docs/cli.md knows every command and option, and its examples print what it says they print."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from agent_trace.cli.commands import COMMANDS, agent_trace
from tests.support.cli import ROOT, cut_off_records, desk_records, run_in_terminal
from tests.support.segments import write_segment

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
COLUMNS = 100


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(agent_trace)
    for name in agent_trace.list_commands(context):
        command = agent_trace.get_command(context, name)
        assert command is not None
        yield name, command


def section(name: str) -> str:
    found = re.search(rf"^## `agent-trace {name}\b.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section for {name}"
    return found[0]


def options_of(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield max(parameter.opts, key=len)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    text = section(name) + PAGE[: PAGE.index("## `agent-trace demo")]
    command = dict(commands())[name]
    assert [option for option in options_of(command) if f"`{option}" not in text] == []


def test_no_command_is_documented_that_does_not_exist():
    assert re.findall(r"^## `agent-trace (\w+)", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_help_page_has_an_example(name, command):
    assert f"agent-trace {name}" in (command.epilog or "")
    assert command.help and command.short_help


def examples() -> list[tuple[str, str]]:
    """Command and output of each ```console block; those with `…` are abridged, and not compared."""
    blocks = re.findall(r"^```console\n\$ agent-trace (.*?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [(command, output) for command, output in blocks if "…" not in output.splitlines()]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    (root / "setup.cfg").write_text("")
    write_segment(root / ".agent_trace", [*desk_records(), *cut_off_records()], pid=4711)
    return root


@pytest.mark.parametrize(("command", "output"), examples(), ids=[command for command, _ in examples()])
def test_documented_output_is_what_is_printed(project, command, output):
    seen = run_in_terminal(*shlex.split(command), cwd=project, columns=COLUMNS, NO_COLOR="1", TZ="UTC")
    assert seen == output


def test_there_are_examples_to_run():
    assert len(examples()) >= 8
