"""`agent-trace tail`: observations as they arrive."""

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from agent_trace.cli import options
from agent_trace.errors import StoreMissing

_LOOK_AGAIN_S: Final = 0.5


@click.command(
    "tail",
    short_help="Observations as they arrive.",
    epilog="\b\nExample:\n  agent-trace tail\n  agent-trace tail --agent risk --json | jq .signal",
)
@options.filters
@click.option("--last", type=click.IntRange(min=0), default=0, metavar="N", help="First show the last N.")
@options.as_json
@options.store
def command(directory: Path | None, as_json: bool, last: int, **values: Any) -> None:
    """Observations as they finish, in any process of the project, until Ctrl-C. With --json one record a line.

    Agents and whole runs also show when they start; what is added to an observation later has a line of its own.
    """
    where = options.chosen(values)
    try:
        _wait_for_store(directory)
        _follow(directory, where, last, as_json)
    except KeyboardInterrupt:  # the one way to end it, and no failure
        sys.stdout.flush()


def _wait_for_store(directory: Path | None) -> None:
    from agent_trace.cli.console import tell
    from agent_trace.store import Store

    told = False
    while True:
        try:
            Store(directory).close()
        except StoreMissing:
            if not told:
                tell("nothing is recorded yet; waiting for the first call. Ctrl-C ends.")
            told = True
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _follow(directory: Path | None, where: Any, last: int, as_json: bool) -> None:
    from agent_trace.cli.console import is_terminal, show_json, stdout_console, tell
    from agent_trace.cli.live import LiveLines
    from agent_trace.cli.opening import opened

    with opened(directory, refresh=last > 0) as store:
        arriving = store.follow(where=where)
        seen = list(store.observations(where, limit=last, refresh=False))[::-1] if last else []
        if is_terminal(sys.stdout):
            tell("waiting for calls. Ctrl-C ends.")
        lines = None if as_json else LiveLines(stdout_console())
        for observation in itertools.chain(seen, _without(arriving, seen)):
            if lines is None:
                show_json(observation, indent=False)
            else:
                lines.print(observation)
            sys.stdout.flush()


def _without(arriving: Iterator[Any], seen: list[Any]) -> Iterator[Any]:
    """What arrived while the last ones were being read is among both."""
    known = {(each.id, each.kind) for each in seen}
    return (each for each in arriving if (each.id, each.kind) not in known)
