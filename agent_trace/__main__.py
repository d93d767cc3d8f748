"""`python -m agent_trace`: the same as the command `agent-trace`."""

from agent_trace.cli import main

if __name__ == "__main__":
    main()
