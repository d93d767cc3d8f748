"""The command `agent-trace`: one file a command. What they ask is answered by the store, and printed here."""

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process; ends it with an exit code."""
    from agent_trace.cli.commands import agent_trace

    agent_trace.main(prog_name="agent-trace")
