"""`agent-trace metrics`: what was recorded, for Prometheus to fetch."""

from pathlib import Path

import click

from agent_trace.cli import options


@click.command(
    "metrics",
    short_help="Serve what was recorded to Prometheus.",
    epilog="\b\nExample:\n  agent-trace metrics\n  agent-trace metrics --once | grep llm_cost",
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=9464, metavar="N", help="Where. [default: 9464]"
)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="On which address. [default: 127.0.0.1]")
@click.option("--once", is_flag=True, help="Print the metrics and end.")
@click.option(
    "--max-labels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most tenants, agents, models with series of their own. [default: the setting max_label_values, 200]",
)
@options.store
def command(directory: Path | None, max_labels: int | None, once: bool, host: str, port: int) -> None:
    """Serve metrics of everything that was recorded, by any process, until Ctrl-C; or --once.

    For projects that have no endpoint of their own; needs `pip install 'agent-trace[prometheus]'`.
    """
    from agent_trace.cli.endpoint import print_metrics, serve_metrics
    from agent_trace.settings import load

    chosen = load().directory if directory is None else directory
    if once:
        print_metrics(chosen, max_labels)
    else:
        serve_metrics(chosen, host, port, max_labels)
