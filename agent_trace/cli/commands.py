"""The command group: finds commands by name, loads only the one that is asked for, and says what went wrong."""

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from agent_trace.cli.console import tell
from agent_trace.errors import AgentTraceError

COMMANDS: Final = (
    "demo",
    "run",
    "discover",
    "list",
    "show",
    "ui",
    "tail",
    "search",
    "costs",
    "budgets",
    "export",
    "forward",
    "metrics",
    "status",
    "on",
    "off",
    "prune",
    "settings",
    "path",
)
"""Names of commands and of their modules, in the order in which one meets them."""

_USAGE: Final = 2
_INTERRUPTED: Final = 130

Program = Callable[[], None]
"""A user's program, to be run when click is done: its exceptions and its exit code are its own."""


class Commands(click.Group):
    """Commands in modules of their own; every error of ours becomes one line on stderr and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which one meets them, not sorted."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"agent_trace.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest commands when there is none of that name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=2, cutoff=0.5)
            hint = f"the nearest is {' or '.join(near)}" if near else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {name!r}: {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn what cannot be done into a message."""
        try:
            outcome = super().invoke(ctx)
            sys.stdout.flush()
        except AgentTraceError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:  # `agent-trace export | head`: whoever read has seen enough
            _let_go_of_stdout()
            return None
        except OSError as error:
            raise click.ClickException(_in_words(error)) from error
        return outcome

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **__: Any
    ) -> NoReturn:
        """Run a command line and end with its exit code: 0, 1 for what failed, 2 for wrong usage."""
        try:
            outcome = super().main(args, prog_name, standalone_mode=False)
        except click.UsageError as error:
            _refuse(error, _USAGE)
        except click.ClickException as error:
            _refuse(error, 1)
        except click.Abort:
            sys.exit(_INTERRUPTED)
        if callable(outcome):
            outcome()
        sys.exit(outcome if isinstance(outcome, int) else 0)


def _refuse(error: click.ClickException, exit_code: int) -> NoReturn:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message.rstrip().removesuffix('.')}. See `{error.ctx.command_path} --help`."
    tell(message)
    sys.exit(exit_code)


def _in_words(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}" if error.filename else what


def _let_go_of_stdout() -> None:
    """Nobody reads stdout any more; Python would complain about that when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from agent_trace.reporting.versions import own_version

        click.echo(f"agent-trace {own_version()}")
        ctx.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.pass_context
def agent_trace(context: click.Context) -> None:
    """See what your LLM agents did: every call, error, signal and cost, recorded on this machine.

    \b
    agent-trace demo             watch a small trading desk, recorded
    agent-trace run my_agent.py  record a program of yours
    agent-trace list             what was recorded, the newest first
    agent-trace show last        the last trace as a tree
    agent-trace ui               the same, and more, in the browser
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
