"""Where else a trace can be looked at: in Langfuse, once it was delivered there."""

import sqlite3
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from agent_trace.delivery.standing.acceptance import has_accepted
from agent_trace.delivery.wire.endpoints import endpoint, joined
from agent_trace.errors import StoreError
from agent_trace.settings import load
from agent_trace.store.answers import TraceRow

_CONSUMER = "langfuse"


def langfuse_url(directory: Path, row: TraceRow) -> str | None:
    """The trace's page in Langfuse; None when Langfuse does not have it.

    `/trace/ID` needs no project: Langfuse looks for the one project that has the trace, and redirects to it there.
    """
    if row.end_ns is None:
        return None
    try:
        if not has_accepted(directory, _CONSUMER, row.trace_id, row.start_ns, row.end_ns):
            return None
    except (sqlite3.Error, StoreError, OSError):  # a link less is better than a page less
        return None
    address = _address(directory)
    return address and joined(address, f"trace/{row.trace_id}")


@cache
def _address(directory: Path) -> str | None:
    """Where Langfuse is, without credentials; None when the setting is no address of a website."""
    found = endpoint(load(cwd=directory.parent).base_url).url
    return found if urlsplit(found).scheme in ("http", "https") else None
