"""Observations whose process died before they ended: sent as failed, so that what ran inside has a parent.

Should the process be alive after all, the observation itself comes later, under the same id.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from agent_trace.delivery.amending import Record
from agent_trace.delivery.forwarding.entry import Entry
from agent_trace.delivery.forwarding.remembered import Place, end, fetch
from agent_trace.delivery.forwarding.route import last_moment_ns, moment_ns
from agent_trace.delivery.reader import list_segments
from agent_trace.recording.journal import layout

MESSAGE: Final = "interrupted: the process ended before this finished"


def interrupted(
    directory: Path, consumer: str, openings: list[tuple[str, Place]], finished: Collection[str]
) -> Iterator[tuple[Entry, Record | None]]:
    """An entry for each opening whose process is gone, with the observation to send if it can still be read."""
    if not openings:
        return
    unfinished = {_pid(path.name) for path in list_segments(directory) if path.name not in finished}
    for id, place in openings:
        pid = _pid(place.segment)
        # All of its process's segments are read to their ends; and if it is this very process, it is not gone.
        if place.segment in finished and pid not in unfinished and pid != str(os.getpid()):
            opening = fetch(directory, place)
            entry = Entry(place.segment, place.offset, None)
            entry.count = 0
            entry.add_effect(end(consumer, id))
            yield entry, None if opening is None else _ended(directory, place, opening)


def _ended(directory: Path, place: Place, opening: Record) -> Record:
    last_ns = last_moment_ns(directory / layout.SEGMENTS / place.segment) or 0
    return {
        **opening,
        "kind": "observation",
        "end_ns": max(last_ns, moment_ns(opening)),
        "level": "ERROR",
        "status_message": MESSAGE,
    }


def _pid(segment: str) -> str:
    return segment.split("-")[1] if segment.count("-") >= 2 else ""
