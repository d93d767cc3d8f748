"""`agent-trace demo`: the packaged trading desk, recorded."""

import sys
from importlib import import_module

import click


@click.command(
    "demo",
    short_help="Watch a small trading desk decide, recorded.",
    epilog="\b\nExample:\n  agent-trace demo\n  agent-trace demo --live --model gpt-4o-mini",
)
@click.option("--live", is_flag=True, help="Ask OpenAI (needs OPENAI_API_KEY) instead of the local server.")
@click.option("--model", metavar="NAME", help="Name of the model.")
def command(live: bool, model: str | None) -> None:
    """Watch a small trading desk decide on real prices, and see what was recorded of it.

    Three agents and their supervisor talk to a local server that speaks OpenAI's protocol: no key, no network.
    """
    desk = import_module("agent_trace.examples.trading_desk.__main__")
    arguments = ["--live"] * live + (["--model", model] if model else [])
    sys.exit(desk.main(arguments))
