"""Journal records as the store reads them: parsed, addressed, fetched again by address, amended."""

import os
import re
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from agent_trace.delivery.amending import LEVEL_RANK as LEVEL_RANK
from agent_trace.delivery.amending import amend as amend
from agent_trace.delivery.amending import level_rank as level_rank

Record = dict[str, Any]
Key = tuple[bytes, bytes]
"""Trace id and observation id: what amendments and openings name their observation by."""

SEGMENT_SHIFT: Final = 32
OFFSET_MASK: Final = (1 << SEGMENT_SHIFT) - 1
EPOCH_S: Final = 1_577_836_800
"""2020-01-01 UTC, from which segment numbers count seconds: 31 bits of them last until 2088."""

_LAST_NUMBER: Final = (1 << 31) - (1 << 20)
"""Where a clock that is decades ahead ends up: an address must fit 63 bits, with room for a million segments."""

_MOMENTS: Final = {"observation": "start_ns", "opened": "start_ns", "amendment": "at_ns", "score": "at_ns"}
"""When a record of each kind was. That of an observation has to be told."""

_NAME: Final = re.compile(r"^(\d{8}T\d{6}(?:\.\d+)?)-(\d+)-")
_MAX_NS: Final = (1 << 63) - 1


class Address(NamedTuple):
    """Where a record lies in the journal; `record` is segment number and offset in one integer."""

    record: int
    length: int

    @property
    def segment(self) -> int:
        """The number of its segment."""
        return self.record >> SEGMENT_SHIFT

    @property
    def offset(self) -> int:
        """Where in the segment it starts."""
        return self.record & OFFSET_MASK


def range_of(segment: int) -> tuple[int, int]:
    """The first and the last address that records of a segment can have."""
    return segment << SEGMENT_SHIFT, (segment << SEGMENT_SHIFT) | OFFSET_MASK


def segment_time(name: str) -> int:
    """Seconds from 2020 to the start of a segment, read from its file name; 0 for a name of another form."""
    found = _NAME.match(name)
    if not found:
        return 0
    with suppress(ValueError):
        started = datetime.strptime(found[1].partition(".")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return min(max(int(started.timestamp()) - EPOCH_S, 0), _LAST_NUMBER)
    return 0


def segment_pid(name: str) -> int:
    """The process that wrote a segment, from its file name."""
    found = _NAME.match(name)
    return int(found[2]) if found else 0


def parse(line: bytes) -> Record | None:
    """The record on a line; None when it is not one, whatever it is instead."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and is_record(record) else None


def is_record(record: Record) -> bool:
    """Whether a JSON object says what it is, what it belongs to and when it was."""
    return identify(record) is not None


def identify(record: Record) -> Key | None:
    """(trace id, observation id) of a record, the latter empty for a score of a whole trace; None for no record."""
    try:
        kind, id = record["kind"], record.get("id")
        moment = _MOMENTS[kind]
        at_ns = record[moment] if moment == "start_ns" else record.get(moment, 0)
        trace_id = bytes.fromhex(record["trace_id"])
        own_id = bytes.fromhex("" if id is None and kind == "score" else id or "-")
    except (KeyError, TypeError, ValueError):
        return None
    if type(at_ns) is not int or not 0 <= at_ns <= _MAX_NS or len(trace_id) != 16:
        return None
    return (trace_id, own_id) if len(own_id) == 8 or (kind == "score" and not own_id) else None


def text(value: object) -> str | None:
    """A column's text: numbers somebody used as a name are written out, containers are not a name."""
    if value is None or type(value) is str:
        return value
    return str(value) if isinstance(value, str | int | float) else None


class Shelf:
    """Reads segments again, with the last few of them held open."""

    def __init__(self, directory: Path, most_open: int = 32) -> None:
        self._directory = directory
        self._most_open = most_open
        self._open: OrderedDict[str, int] = OrderedDict()

    def read(self, name: str, offset: int, length: int) -> bytes | None:
        """Bytes of the segment called `name`; None when the segment is gone."""
        descriptor = self._descriptor(name)
        return None if descriptor is None else os.pread(descriptor, length, offset)

    def close(self) -> None:
        """Let go of every segment."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _descriptor(self, name: str) -> int | None:
        if name in self._open:
            self._open.move_to_end(name)
            return self._open[name]
        try:
            descriptor = os.open(self._directory / "segments" / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        self._open[name] = descriptor
        if len(self._open) > self._most_open:
            os.close(self._open.popitem(last=False)[1])
        return descriptor
