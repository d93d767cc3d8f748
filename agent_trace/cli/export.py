"""`agent-trace export`: observations for other programs, as JSON lines, CSV or Parquet."""

import sys
from pathlib import Path
from typing import Any

import click

from agent_trace.cli import options


@click.command(
    "export",
    short_help="Observations as JSON lines, CSV or Parquet.",
    epilog="\b\nExample:\n  agent-trace export --format jsonl --since yesterday | jq .cost.total\n"
    "  agent-trace export --format parquet --output june.parquet --agent risk",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    default="jsonl",
    help="[default: jsonl]",
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout."
)
@click.option(
    "--raw", is_flag=True, help="Journal records as they were written, without filters; jsonl only."
)
@options.filters
@options.limit(None)
@options.store
def command(
    directory: Path | None, form: str, output: Path | None, raw: bool, limit: int | None, **values: Any
) -> None:
    """Observations, the oldest first: every key of the record in jsonl, one column a question in csv and parquet.

    With --limit, the newest so many.
    """
    from agent_trace.cli.export_formats import WRITERS
    from agent_trace.cli.opening import opened
    from agent_trace.cli.writing import destination
    from agent_trace.store import Filter

    where = options.chosen(values)
    if raw and (form != "jsonl" or where != Filter() or limit):
        raise click.UsageError(
            "--raw gives every journal record as it is: only as jsonl, without filters or --limit."
        )
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("parquet is not for the eyes: add --output FILE.")
    with opened(directory) as store, destination(output) as stream:
        items = store.records() if raw else _oldest_first(store, where, limit)
        WRITERS[form](_counted(items), stream)


def _oldest_first(store: Any, where: Any, limit: int | None) -> Any:
    if limit is None:
        return store.observations(where, newest_first=False, refresh=False)
    return reversed(list(store.observations(where, limit=limit, refresh=False)))


def _counted(items: Any) -> Any:
    from agent_trace.cli.progress import progress

    with progress("Exporting") as advance:
        for done, item in enumerate(items, 1):
            yield item
            if done % 100 == 0:
                advance(done, None)
