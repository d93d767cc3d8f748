"""The first 1024 bytes of a segment: who writes it, whether it is sealed, what was lost. As JSON.

Fixed in size, so that it can be written again in place, and a line like the others, so that `jq` reads it.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from agent_trace.errors import SegmentDamaged, StoreTooNew

HEADER_BYTES = 1024
FORMAT_VERSION = 1

_MAX_SERVICE_CHARS = 100
_MAX_HOST_CHARS = 100
_MAX_CONSUMERS = 4
_MAX_CONSUMER_CHARS = 24


class Header(NamedTuple):
    """What a segment says about itself. `records` is None until it is sealed; `lost` counts by reason.

    `consumers` names the backends that its process was configured for: they get all of the segment, also when
    nothing was ever forwarded before.
    """

    pid: int
    host: str
    service: str
    started_ns: int
    lost: dict[str, int]
    version: int = FORMAT_VERSION
    package: str = ""
    sealed: bool = False
    records: int | None = None
    consumers: tuple[str, ...] = ()
    crashed: bool = False
    """Its process died without sealing it; who tidied up did."""


def encode_header(header: Header) -> bytes:
    """The header as one line of exactly `HEADER_BYTES` bytes; loss reasons that do not fit become "other"."""
    text = orjson.dumps(_fields(header, header.lost))
    if len(text) >= HEADER_BYTES:
        text = orjson.dumps(_fields(header, {"other": sum(header.lost.values())}))
    return text.ljust(HEADER_BYTES - 1) + b"\n"


def decode_header(block: bytes, path: Path) -> Header:
    """Read a header back.

    Raises StoreTooNew for a format that this version does not know, SegmentDamaged when it cannot be read.
    """
    try:
        fields = orjson.loads(block[:HEADER_BYTES])
    except orjson.JSONDecodeError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(fields, dict) or fields.get("kind") != "segment":
        raise _damaged(path, "it does not begin with a segment header")
    return _checked(fields, path)


def package_version() -> str:
    """The version of agent_trace that runs, without a look into the installed metadata (10 ms)."""
    return str(getattr(sys.modules.get("agent_trace"), "__version__", ""))


def _fields(header: Header, lost: dict[str, int]) -> dict[str, object]:
    fields: dict[str, object] = {
        "v": header.version,
        "kind": "segment",
        "pid": header.pid,
        "host": header.host[:_MAX_HOST_CHARS],
        "service": header.service[:_MAX_SERVICE_CHARS],
        "started_ns": header.started_ns,
        "package": header.package,
        "sealed": header.sealed,
        "records": header.records,
        "lost": lost,
    }
    if header.crashed:
        fields["crashed"] = True
    if header.consumers:
        fields["consumers"] = [name[:_MAX_CONSUMER_CHARS] for name in header.consumers[:_MAX_CONSUMERS]]
    return fields


def _checked(fields: dict[str, Any], path: Path) -> Header:
    version = fields.get("v")
    if not isinstance(version, int) or version < 1:
        raise _damaged(path, f"its format version is {version!r}")
    if version > FORMAT_VERSION:
        raise StoreTooNew(
            f"{path} was written in format {version} by agent_trace {fields.get('package') or '(unknown)'}; "
            f"this version reads format {FORMAT_VERSION}. Upgrade agent-trace."
        )
    records, lost = fields.get("records"), fields.get("lost")
    return Header(
        pid=_whole(fields, "pid", path),
        host=str(fields.get("host", "")),
        service=str(fields.get("service", "")),
        started_ns=_whole(fields, "started_ns", path),
        lost=_counts(lost),
        version=version,
        package=str(fields.get("package", "")),
        sealed=fields.get("sealed") is True,
        records=records if isinstance(records, int) else None,
        consumers=_names(fields.get("consumers")),
        crashed=fields.get("crashed") is True,
    )


def _names(consumers: object) -> tuple[str, ...]:
    if not isinstance(consumers, list):
        return ()
    return tuple(name for name in consumers if isinstance(name, str))


def _counts(lost: object) -> dict[str, int]:
    if not isinstance(lost, dict):
        return {}
    return {reason: count for reason, count in lost.items() if isinstance(count, int)}


def _whole(fields: dict[str, Any], name: str, path: Path) -> int:
    number = fields.get(name)
    if isinstance(number, int):
        return number
    raise _damaged(path, f"its {name} is {number!r}")


def _damaged(path: Path, why: str) -> SegmentDamaged:
    return SegmentDamaged(f"The head of {path} cannot be read: {why}. Its records are still read.")
