"""`agent-trace off`: stop recording, in every running process of the project."""

from pathlib import Path

import click

from agent_trace.cli import options


@click.command(
    "off", short_help="Stop recording, in running programs too.", epilog="\b\nExample:\n  agent-trace off"
)
@options.store
def command(directory: Path | None) -> None:
    """Record nothing, in every process of this project, until `agent-trace on`: running ones from their next call."""
    from agent_trace.cli.switch import switch

    switch(directory, on=False)
