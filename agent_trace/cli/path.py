"""`agent-trace path`: where the store is."""

import click


@click.command("path", short_help="Where the store is.", epilog="\b\nExample:\n  du -sh $(agent-trace path)")
def command() -> None:
    """Print the directory that observations of this project are kept in, whether or not it exists yet."""
    from agent_trace import settings

    click.echo(settings.load().directory)
