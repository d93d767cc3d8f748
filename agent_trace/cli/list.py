"""`agent-trace list`: the newest traces, one line each."""

from pathlib import Path
from typing import Any

import click

from agent_trace.cli import options


@click.command(
    "list",
    short_help="The newest traces, one line each.",
    epilog="\b\nExample:\n  agent-trace list --since 2h --level error\n  agent-trace list --agent risk --min-cost 0.05",
)
@options.filters
@click.option("--before", metavar="TRACE", help="Go on after this trace, the last one of the page before.")
@options.limit(20)
@options.as_json
@options.store
def command(directory: Path | None, as_json: bool, limit: int, before: str | None, **values: Any) -> None:
    """What ran, the newest first: how it ended, how long it took, what it cost and what was decided."""
    from agent_trace.cli.console import show, show_json, tell
    from agent_trace.cli.opening import opened
    from agent_trace.cli.rendering import traces_table
    from agent_trace.store.filter import Filter

    with opened(directory) as store:
        last = store.trace(before).row if before else None
        where = options.chosen(values)
        rows = store.traces(where, limit=limit, before=last, refresh=False)
    if as_json:
        show_json(rows)
    elif rows:
        show(traces_table(rows))
        if len(rows) == limit:
            tell(
                f"there may be more: --before {rows[-1].trace_id[:8]} for the next {limit}, or a larger --limit"
            )
    elif where == Filter() and last is None:
        tell("there is no trace here: what was recorded has been removed.")
    else:
        tell("no trace fits. Try fewer filters, or an earlier --since.")
