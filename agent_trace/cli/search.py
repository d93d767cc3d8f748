"""`agent-trace search`: observations that contain words."""

from pathlib import Path
from typing import Any

import click

from agent_trace.cli import options


@click.command(
    "search",
    short_help="Observations that contain words.",
    epilog="\b\nExample:\n  agent-trace search momentum\n  agent-trace search '\"rate limit\" retr*' --since 3d",
)
@click.argument("text", nargs=-1, required=True, metavar="TEXT...")
@options.filters
@options.limit(20)
@options.as_json
@options.store
def command(directory: Path | None, as_json: bool, limit: int, text: tuple[str, ...], **values: Any) -> None:
    """Observations with all of these words in inputs, outputs, errors, metadata or names, the newest first.

    "Quotes" hold a phrase, a star at its end makes a word the beginning of many.
    """
    words = " ".join(text)
    if not words.strip(' "*'):
        raise click.UsageError("there is no word to look for: say some, as in `agent-trace search momentum`")
    from agent_trace.cli.console import show, show_json, tell
    from agent_trace.cli.opening import opened
    from agent_trace.cli.progress import progress
    from agent_trace.cli.rendering import matches_table

    with opened(directory) as store, progress("Reading texts") as advance:
        matches = store.search(words, options.chosen(values), limit=limit, progress=advance)
    if as_json:
        show_json(matches)
    elif matches:
        show(matches_table(matches))
        if len(matches) == limit:
            tell(f"there may be more: --limit {limit * 2} shows them")
    else:
        tell("nothing found. Words must match whole; add * for words that begin with it.")
