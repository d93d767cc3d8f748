"""`agent-trace budgets`: how each budget of the settings stands."""

from pathlib import Path

import click

from agent_trace.cli import options


@click.command(
    "budgets",
    short_help="How much of each budget is spent.",
    epilog="\b\nExample:\n  agent-trace budgets\n  agent-trace budgets --json | jq '.[] | select(.level == 100)'",
)
@options.as_json
@options.store
def command(directory: Path | None, as_json: bool) -> None:
    """How much of each budget is spent in its window, and what happens when it is all spent.

    Budgets stand in the setting `budgets`: a limit in US dollars for a tenant, an agent or a model, and an hour, a day, a
    month or a rolling window.
    """
    import time

    from agent_trace import settings
    from agent_trace.cli.budgets_table import as_answer, budgets_table
    from agent_trace.cli.console import show, show_json, tell
    from agent_trace.cli.opening import opened, warnings_told
    from agent_trace.spending.budgets import read_budgets
    from agent_trace.spending.states import work_out

    with warnings_told():
        budgets = read_budgets(settings.load().budgets)
    states = []
    if budgets:
        with opened(directory) as store:
            states = work_out(store, budgets, time.time_ns())
    if as_json:
        show_json([as_answer(state) for state in states])
    elif states:
        show(budgets_table(states))
    elif budgets:
        tell("nobody whom a budget is for has spent anything in its window yet.")
    else:
        tell("there are no budgets: see the setting `budgets` (AGENT_TRACE_BUDGETS).")
