"""`agent-trace costs`: who spent what, and what could be saved."""

from pathlib import Path
from typing import Any, Final

import click

from agent_trace.cli import options

LOOKED_AT: Final = 2_000
"""How many observations are read for what could be saved: a second's work."""
_NOTHING: Final = "nothing that was recorded has reported tokens or a cost."
_NOTHING_FITS: Final = (
    "nothing that fits has reported tokens or a cost. Try fewer filters, or an earlier --since."
)


@click.command(
    "costs",
    short_help="Who spent what, and what could be saved.",
    epilog="\b\nExample:\n  agent-trace costs --by model --since 7d\n  agent-trace costs --tenant acme --csv > acme.csv",
)
@click.option(
    "--by",
    type=click.Choice(("tenant", "agent", "model", "session", "day")),
    default="agent",
    metavar="KEY",
    help="Sum by tenant, agent, model, session or day. [default: agent]",
)
@options.filters
@click.option("--no-savings", is_flag=True, help="Do not look for what could be saved.")
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@options.store
def command(
    directory: Path | None, as_json: bool, as_csv: bool, no_savings: bool, by: Any, **values: Any
) -> None:
    """Calls, tokens and cost by tenant, agent, model, session or day, with each one's share of the whole.

    Below it, what could be saved of the newest generations: cheaper models of the same family, prompts sent again
    unchanged, retries that were paid for.
    """
    from agent_trace.cli.console import show, show_json, tell
    from agent_trace.cli.costs_table import (
        as_answer,
        costs_table,
        ordered,
        savings_lines,
        unpriced_lines,
        write_csv,
    )
    from agent_trace.cli.opening import opened
    from agent_trace.costs import price_source
    from agent_trace.spending.savings import look_for_savings
    from agent_trace.store import Filter

    if as_json and as_csv:
        raise click.UsageError("say --json or --csv, not both")
    where = options.chosen(values)
    with opened(directory) as store:
        rows = ordered(store.costs(where, by=by, refresh=False), by)
        newest = () if as_csv or no_savings else store.observations(where, limit=LOOKED_AT, refresh=False)
        savings = None if as_csv or no_savings else look_for_savings(reversed(list(newest)))
    if as_json:
        show_json(as_answer(rows, by, savings, price_source()))
    elif as_csv:
        write_csv(rows, by)
    elif not rows:
        tell(_NOTHING_FITS if where != Filter() else _NOTHING)
    else:
        show(costs_table(rows, by))
        for line in (*unpriced_lines(rows, by), *savings_lines(savings)):
            show(line)
