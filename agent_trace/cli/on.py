"""`agent-trace on`: go on recording, in every running process of the project."""

from pathlib import Path

import click

from agent_trace.cli import options


@click.command("on", short_help="Go on recording.", epilog="\b\nExample:\n  agent-trace on")
@options.store
def command(directory: Path | None) -> None:
    """Record again, in every process of this project: running ones from their next call on."""
    from agent_trace.cli.switch import switch

    switch(directory, on=True)
