"""`agent-trace show`: one trace as a tree."""

from pathlib import Path

import click

from agent_trace.cli import options
from agent_trace.errors import NotFound


@click.command(
    "show",
    short_help="One trace as a tree.",
    epilog="\b\nExample:\n  agent-trace show last\n  agent-trace show 3f9a1c2e --full\n  agent-trace show last --json",
)
@click.argument("trace", metavar="TRACE")
@click.option("--full", is_flag=True, help="Also inputs, outputs, metadata and stack traces.")
@options.as_json
@options.store
def command(directory: Path | None, as_json: bool, full: bool, trace: str) -> None:
    """One trace as a tree, with durations, tokens, cost, signals, errors, scores and what was redacted.

    TRACE is a trace's id, or that of an observation in it, or the first few digits of either; `last` is the newest.
    """
    from agent_trace.cli.console import show, show_json
    from agent_trace.cli.opening import opened
    from agent_trace.cli.rendering import trace_tree

    with opened(directory) as store:
        if trace == "last":
            newest = store.traces(limit=1, refresh=False)
            if not newest:
                raise NotFound("There is no trace yet: the store is empty.")
            trace = newest[0].trace_id
        found = store.trace(trace)
        scores = store.scores(found.trace_id)
    if as_json:
        show_json({"trace": found.row, "observations": found.observations, "scores": scores})
    else:
        show(trace_tree(found, scores, full=full))
