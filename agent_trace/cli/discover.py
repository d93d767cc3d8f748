"""`agent-trace discover`: reads a codebase and proposes the entry points to attach to."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_trace.cli import options

if TYPE_CHECKING:
    from agent_trace.discovery import Proposal


@click.command(
    "discover",
    short_help="Find what to attach to in a codebase.",
    epilog="\b\nExample:\n  agent-trace discover src\n  agent-trace discover -m my_package --json",
)
@click.option("-m", "module", metavar="MODULE", help="Look through an installed module or package.")
@options.as_json
@click.argument("path", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
def command(path: Path | None, as_json: bool, module: str | None) -> None:
    """Look through the Python files below PATH (or here), and print the settings that attach to what asks models.

    Nothing is imported or run. Virtual environments, hidden folders, build output and tests are left out.
    """
    from agent_trace.cli.console import say, show, show_json
    from agent_trace.cli.pasting import to_paste
    from agent_trace.cli.progress import progress
    from agent_trace.cli.proposal import as_dictionary, proposal_table
    from agent_trace.discovery import discover

    if module and path:
        raise click.UsageError("say PATH or -m MODULE, not both")
    start = _of_module(module) if module else _of_path(path or Path())
    with progress("Reading Python files") as advance:
        found = discover(start, advance)
    if as_json:
        show_json(as_dictionary(found))
    elif found.files:
        show(proposal_table(found))
        say(to_paste(found))
    else:
        raise click.ClickException(_nothing_in(found))


def _of_path(path: Path) -> Path:
    if not path.exists():
        raise click.ClickException(f"there is no {path}")
    if path.is_file() and path.suffix != ".py":
        raise click.ClickException(f"{path} is no Python file; name one, or a folder")
    return path


def _of_module(module: str) -> Path:
    from agent_trace.discovery.locating import locate

    found = locate(module, Path.cwd())
    if found is None:
        raise click.ClickException(
            f"there is no module {module!r} with Python files here or among the installed ones; name a folder instead"
        )
    return found


def _nothing_in(found: "Proposal") -> str:
    from agent_trace.cli.proposal import left_out

    skipped = f" (left out: {left_out(found)})" if found.skipped else ""
    return f"there is no Python file to read in {found.start}{skipped}. Name the folder that your code is in, or -m MODULE."
