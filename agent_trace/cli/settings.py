"""`agent-trace settings`: every setting, its value and where that came from."""

from typing import Any

import click

from agent_trace.cli import options


@click.command(
    "settings",
    short_help="Every setting and where it came from.",
    epilog="\b\nExample:\n  agent-trace settings\n  agent-trace settings --json",
)
@options.as_json
def command(as_json: bool) -> None:
    """Each setting with its value and where that came from. Secrets are not shown; what is misspelt is named."""
    from agent_trace import settings
    from agent_trace.cli.console import say, show, show_json
    from agent_trace.cli.settings_table import settings_table
    from agent_trace.reporting.settings_told import rows

    found = settings.load()
    if as_json:
        content: dict[str, Any] = {"settings": rows(found), "problems": list(found.problems)}
        show_json(content)
        return
    show(settings_table(rows(found)))
    for problem in found.problems:
        say(f"\nproblem: {problem}")
