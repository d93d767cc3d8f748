"""`agent-trace ui`: a page on what was recorded, in the browser."""

from pathlib import Path

import click

from agent_trace.cli import options


@click.command(
    "ui",
    short_help="Look at it in the browser.",
    epilog="\b\nExample:\n  agent-trace ui\n  agent-trace ui --port 8000 --no-browser\n  agent-trace ui --host 0.0.0.0",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="Where. [default: 7411, or the next free one]",
)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="On which address. [default: 127.0.0.1]")
@click.option(
    "--token", is_flag=True, help="Ask for a token on this machine too; elsewhere it is always asked."
)
@click.option("--no-browser", is_flag=True, help="Print the URL, and open nothing.")
@options.store
def command(directory: Path | None, no_browser: bool, token: bool, host: str, port: int | None) -> None:
    """Serve a page on what was recorded, and open it: traces as they arrive, costs, signals. Until Ctrl-C.

    Only programs of this machine reach it, unless --host says otherwise: then it asks for the token that is
    printed with the URL. Needs `pip install 'agent-trace[ui]'`.
    """
    from agent_trace.cli.paging import serve_page
    from agent_trace.settings import load

    chosen = load().directory if directory is None else directory
    serve_page(chosen.absolute(), host, port, token=token, browser=not no_browser)
