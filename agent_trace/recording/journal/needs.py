"""Which segments consumers still need, read from the lists that they keep of those they are done with.

What a consumer sends, and how far it got inside a segment, is the matter of `delivery/`.
"""

import time
from pathlib import Path
from typing import Final

from agent_trace.recording.journal import layout

ABANDONED_AFTER_S: Final = 30 * 86_400.0
"""A consumer that nobody has served for so long holds nothing back: its keys may have been removed for good."""

COMMENT: Final = b"#"
"""Begins a line of a `.done` file that names no segment."""


class Needs:
    """What the registered consumers of a store still need, as it was when this was made."""

    def __init__(self, directory: Path) -> None:
        self._done: dict[str, set[bytes]] = {}
        for path in sorted((directory / layout.DELIVERY).glob(f"*{layout.DONE_SUFFIX}")):
            names = _names_in(path)
            if names is not None:
                self._done[path.name.removesuffix(layout.DONE_SUFFIX)] = names

    def of(self, segment: str) -> list[str]:
        """The consumers that have not got all of a segment."""
        if not self._done:
            return []
        name = segment.encode()
        return [consumer for consumer, names in self._done.items() if name not in names]


def _names_in(path: Path) -> set[bytes] | None:
    try:
        if time.time() - path.stat().st_mtime > ABANDONED_AFTER_S:
            return None
        return {line for line in path.read_bytes().splitlines() if not line.startswith(COMMENT)}
    except (FileNotFoundError, PermissionError):
        return None
