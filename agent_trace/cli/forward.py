"""`agent-trace forward`: take what was recorded to the configured backends, beside the programs that record."""

from pathlib import Path

import click

from agent_trace.cli import options

_BACKENDS = ("langfuse", "otlp")


@click.command(
    "forward",
    short_help="Send what was recorded to Langfuse or an OTLP backend.",
    epilog="\b\nExample:\n  agent-trace forward --once\n  agent-trace forward --once --since 30d --to langfuse\n"
    "  agent-trace forward --dead\n  agent-trace forward --forget otlp",
)
@click.option("--once", is_flag=True, help="Send what there is and end, for cron and CI.")
@click.option(
    "--to",
    type=click.Choice(_BACKENDS),
    multiple=True,
    metavar="BACKEND",
    help="Only to langfuse, or to otlp. [default: all that are configured]",
)
@click.option(
    "--since",
    type=options.MOMENT,
    metavar="TIME",
    help="Also what was recorded before there were keys, since then: 30d, 2026-11-22.",
)
@click.option("--dead", is_flag=True, help="List what a backend refused, and try it once more.")
@click.option("--list", "only_list", is_flag=True, help="With --dead: only list it.")
@click.option(
    "--forget",
    type=click.Choice(_BACKENDS),
    metavar="BACKEND",
    help="Owe nothing more to a backend that is no longer configured.",
)
@options.as_json
@options.store
def command(
    directory: Path | None,
    as_json: bool,
    forget: str | None,
    only_list: bool,
    dead: bool,
    since: int | None,
    to: tuple[str, ...],
    once: bool,
) -> int:
    """Forward until Ctrl-C, for programs that shall spend no time on it; or --once.

    A program with keys delivers by itself; only one process forwards a store at a time, for all of them. Exit code
    of --once and --dead: 0 when everything has been delivered, else 1.
    """
    from agent_trace.cli import forwarding

    if only_list and not dead:
        raise click.UsageError("--list goes with --dead.")
    if forget is not None:
        forwarding.forget(directory, forget)
        return 0
    project = forwarding.Project.of(directory, to)
    if dead:
        forwarding.show_dead(project, as_json=as_json)
        return 0 if only_list else forwarding.retry_dead(project)
    if since is not None:
        forwarding.take_history(project, since)
    if once:
        return forwarding.forward_once(project, as_json=as_json)
    return forwarding.forward_until_stopped(project)
