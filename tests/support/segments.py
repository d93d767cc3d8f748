"""Segments of given records in the journal's documented format, for tests of what reads them."""

import json
import os
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEADER_BYTES = 1024
START_NS = 1_763_800_000_000_000_000
_HEADER = {"v": 1, "kind": "segment", "host": "here", "service": "", "package": "0.1.0"}


def record(kind: str = "observation", **fields: Any) -> dict[str, Any]:
    """A record with what every record has; ids may be given short and are filled up with zeros on the left."""
    made: dict[str, Any] = {"v": 1, "kind": kind, "trace_id": "1", "id": "1"}
    if kind in ("observation", "opened"):
        made |= {"type": "span", "name": "work", "start_ns": START_NS}
    if kind == "observation":
        made["end_ns"] = fields.get("start_ns", START_NS) + 1_000_000
    if kind in ("amendment", "score"):
        made["at_ns"] = START_NS + 2_000_000
    made |= fields
    for key, digits in (("trace_id", 32), ("id", 16), ("parent_id", 16)):
        if isinstance(made.get(key), str):
            made[key] = made[key].rjust(digits, "0")
    return made


def as_line(record: Mapping[str, Any] | bytes) -> bytes:
    """One line of a segment; bytes are taken as they are."""
    return record if isinstance(record, bytes) else json.dumps(record, separators=(",", ":")).encode() + b"\n"


def segment_name(started_s: float = 0.0, pid: int | None = None) -> str:
    """A segment's file name, `started_s` seconds after a fixed moment."""
    whole = int(START_NS // 1_000_000_000 + started_s)
    stamp = datetime.fromtimestamp(whole, UTC)
    micro = int(started_s % 1 * 1_000_000)
    return f"{stamp:%Y%m%dT%H%M%S}.{micro:06d}-{pid or os.getpid()}-{random.getrandbits(32):08x}.jsonl"


def write_segment(
    directory: Path,
    records: Iterable[Mapping[str, Any] | bytes],
    *,
    started_s: float = 0.0,
    sealed: bool = True,
    unused_bytes: int = 0,
    lost: Mapping[str, int] | None = None,
    name: str | None = None,
    pid: int | None = None,
) -> Path:
    """Write one segment whose process is gone. Unsealed ones may have unused (NUL) bytes behind the records."""
    lines = [as_line(each) for each in records]
    folder = directory / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or segment_name(started_s, pid))
    header = {
        **_HEADER,
        "pid": pid or os.getpid(),
        "started_ns": START_NS + int(started_s * 1e9),
        "sealed": sealed,
        "records": len(lines) if sealed else None,
        "lost": dict(lost or {}),
    }
    head = json.dumps(header).encode().ljust(HEADER_BYTES - 1) + b"\n"
    path.write_bytes(head + b"".join(lines) + bytes(unused_bytes))
    return path
