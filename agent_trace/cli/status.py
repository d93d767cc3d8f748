"""`agent-trace status`: whether recording is on, where it goes, and whether anything was lost."""

from pathlib import Path

import click

from agent_trace.cli import options


@click.command(
    "status",
    short_help="Is it on, where does it go, was anything lost?",
    epilog="\b\nExample:\n  agent-trace status\n  agent-trace status --json | jq .ledger",
)
@options.as_json
@options.store
def command(directory: Path | None, as_json: bool) -> None:
    """Whether recording is on and why, where it goes, where every record went, and what to put right."""
    from agent_trace import settings
    from agent_trace.cli.condition_table import condition_table
    from agent_trace.cli.console import show, show_json
    from agent_trace.cli.opening import opened
    from agent_trace.reporting.condition import condition

    found = condition(settings.load(), directory, opened)
    if as_json:
        show_json(found)
    else:
        show(condition_table(found))
