"""`agent-trace run`: a program as `python` would run it, recorded."""

from pathlib import Path

import click

from agent_trace.cli import options
from agent_trace.cli.commands import Program


@click.command(
    "run",
    short_help="Run a Python program and record it.",
    context_settings={"allow_interspersed_args": False},
    epilog="\b\nExample:\n  agent-trace run my_agent.py --symbol AAPL\n  agent-trace run -m my_package.desk\n"
    "  agent-trace run --instrument my_package.models:BaseModel.generate my_agent.py",
)
@click.option("-m", "as_module", is_flag=True, help="Run a module, as `python -m` does.")
@click.option(
    "--instrument",
    "entry_points",
    metavar="ENTRY",
    multiple=True,
    help="Attach to package.module:Class.method, next to those that the settings name. May be repeated.",
)
@click.option(
    "--providers", is_flag=True, help="Attach to the clients of providers whose instrumentors are installed."
)
@options.store
@click.argument("target", metavar="SCRIPT|MODULE")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def command(
    directory: Path | None,
    providers: bool,
    entry_points: tuple[str, ...],
    as_module: bool,
    target: str,
    arguments: tuple[str, ...],
) -> Program:
    """Run a Python program with this project's settings, and record it as one trace.

    The program runs as under `python SCRIPT`: same arguments, same output, same exit code. What is decorated in it
    nests below one observation named after the script. Options of ours go before SCRIPT, its own after it. What has
    no decorator is recorded as well when it is attached to: `agent-trace discover` finds what there is.
    """
    from agent_trace.cli.attaching import attach
    from agent_trace.cli.program import run_module, run_script

    run = run_module if as_module else run_script
    return lambda: run(target, list(arguments), directory, lambda: attach(entry_points, providers=providers))
