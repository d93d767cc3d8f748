"""What `on` and `off` have in common: the one-byte file that every process of a project looks at."""

from pathlib import Path

from agent_trace import settings
from agent_trace.cli.console import say, tell
from agent_trace.recording.journal.control import read_flag, write_flag


def switch(directory: Path | None, *, on: bool) -> None:
    """Flip the flag and say what follows from it."""
    project = settings.load()
    store = directory or project.directory
    before = read_flag(store)
    write_flag(store, on)
    word = "on" if on else "off"
    if (before is not False) == on:
        say(f"recording was {word} already, for every process that records to {store}")
    else:
        say(f"recording is {word} from now on, for every process that records to {store}")
    if on and not project.enabled:
        tell(f"{project.origin('enabled')} still switches recording off: take it away, or set it to true")
