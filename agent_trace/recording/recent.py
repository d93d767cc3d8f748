"""Which observation finished last here: signals are parsed after the call they belong to has returned."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

Identity = tuple[str, str]
"""(trace_id, id) of an observation."""

_in_context: ContextVar[tuple[Identity, int] | None] = ContextVar("agent_trace-last_finished", default=None)


class _InThread(threading.local):
    last: Identity | None = None


_in_thread = _InThread()


def note_finished(identity: Identity) -> None:
    """Remember an observation as the last one of this context, and of this thread."""
    _in_thread.last = identity
    _in_context.set((identity, threading.get_ident()))


def last_finished() -> Identity | None:
    """The observation that finished last in this context.

    `asyncio.run(ask())` finishes in a context of its own, which is gone when it returns. So in a thread where no event
    loop runs, what finished in it since then counts as finished here.
    """
    found = _in_context.get()
    if found is None:
        return None
    identity, thread = found
    if thread == threading.get_ident() and not _loop_is_running():
        return _in_thread.last
    return identity


def _loop_is_running() -> bool:
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            return True
    return False


@contextmanager
def nothing_finished() -> Iterator[None]:
    """A block that begins as if nothing had finished before; what was so before is so again after it."""
    last, _in_thread.last = _in_thread.last, None
    token = _in_context.set(None)
    try:
        yield
    finally:
        _in_thread.last = last
        with suppress(ValueError):  # a generator fixture ends in another context than it began in
            _in_context.reset(token)
