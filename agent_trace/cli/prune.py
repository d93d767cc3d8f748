"""`agent-trace prune`: remove the oldest journal segments."""

import sys
from pathlib import Path

import click

from agent_trace.cli import options


@click.command(
    "prune",
    short_help="Remove the oldest observations.",
    epilog="\b\nExample:\n  agent-trace prune --older-than 30d --dry-run\n  agent-trace prune --max-size 1GiB --yes",
)
@click.option("--older-than", type=options.AGE, metavar="AGE", help="Remove what is older: 12h, 30d, 8w.")
@click.option(
    "--max-size", type=options.SIZE, metavar="SIZE", help="Remove the oldest until SIZE is left: 500MiB."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.store
def command(
    directory: Path | None, older_than: float | None, max_size: int | None, dry_run: bool, yes: bool
) -> None:
    """Remove the oldest observations for good, whole journal files at a time. Those being written to stay.

    Without --older-than and --max-size, the project's own limits are used.
    """
    from agent_trace import settings
    from agent_trace.cli.console import say
    from agent_trace.cli.opening import opened
    from agent_trace.display import figures

    if older_than is None and max_size is None:
        project = settings.load()
        max_size = project.max_store_bytes
        older_than = None if project.max_age_days is None else project.max_age_days * 86_400
    with opened(directory) as store:
        planned = store.prune(older_than_s=older_than, max_bytes=max_size, dry_run=True)
        size = f"{figures.plural(planned.records, 'record')} in {figures.plural(planned.segments, 'segment')}"
        what = f"{size}, {figures.size(planned.bytes)}"
        if planned.segments == 0:
            say("nothing to remove: what is left is within the limits, or is being written to")
        elif dry_run:
            say(f"would remove {what}")
        elif yes or _agreed(what, store.directory):
            done = store.prune(older_than_s=older_than, max_bytes=max_size)
            records, segments = (
                figures.plural(done.records, "record"),
                figures.plural(done.segments, "segment"),
            )
            say(f"removed {records} in {segments}, {figures.size(done.bytes)}")


def _agreed(what: str, directory: Path) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError(f"this would remove {what}: add --yes to do it, nobody is there to be asked.")
    return click.confirm(f"Remove {what} from {directory} for good?", abort=True, err=True)
