"""`agent-trace demo`: the packaged trading desk, recorded; then a desk without tracing, attached to from outside."""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from agent_trace.cli.untouched import Running


@click.command(
    "demo",
    short_help="Watch two small trading desks decide, recorded.",
    epilog="\b\nExample:\n  agent-trace demo\n  agent-trace demo --live --model gpt-4o-mini",
)
@click.option("--live", is_flag=True, help="Ask OpenAI (needs OPENAI_API_KEY) instead of the local server.")
@click.option("--model", metavar="NAME", help="Name of the model.")
def command(live: bool, model: str | None) -> None:
    """Watch a small trading desk decide on real prices, and see what was recorded of it.

    Three agents and their supervisor talk to a local server that speaks OpenAI's protocol: no key, no network. Then a
    second desk, in which no line knows of tracing, is run as by `agent-trace run`; not with --live.
    """
    arguments = ["--live"] * live + (["--model", model] if model else [])
    if live:
        sys.exit(_desk().main(arguments))
    from agent_trace.cli import untouched
    from agent_trace.settings import load

    # Beside the first one, and before anything else is loaded here: both take a second to load what they speak through.
    running = untouched.Running(untouched.entry_points(), load().directory)
    try:
        desk = _desk()
        sys.exit(desk.main(arguments, before_the_end=partial(_show_untouched_desk, running)))
    finally:
        running.stop()


def _desk() -> Any:
    return import_module("agent_trace.examples.trading_desk.__main__")


def _show_untouched_desk(running: "Running", console: "Console", store: Path) -> None:
    from rich.padding import Padding

    from agent_trace.cli import untouched
    from agent_trace.cli.rendering import trace_tree

    console.print("\n[bold]Another desk, with no line of tracing in it[/]\n")
    folder = untouched.nearby(untouched.script().parent)
    console.print(f"  `agent-trace discover {folder}` finds what to attach to:", markup=False)
    for each in running.entry_points:
        console.print(f"    {each}", style="cyan", markup=False)
    console.print("  and `agent-trace run` attaches to it and runs the desk:", markup=False)
    ran = running.finish()
    for line in ran.printed[-2:]:
        console.print(f"    {line.strip()}", markup=False)
    if ran.trace is None:
        console.print(f"  It did not come to an end: {ran.problem or 'nothing was recorded'}", markup=False)
        return
    branches = len(ran.trace.roots[0].children)
    console.print(f"\n[bold]One of the {branches} branches of its trace[/]\n")
    console.print(Padding(trace_tree(untouched.briefly(ran.trace)), (0, 0, 0, 2), expand=False))
