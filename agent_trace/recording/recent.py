"""Which observation finished last here: signals are parsed after the call they belong to has returned."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import get_ident, main_thread
from typing import Final

from agent_trace.recording.current_context import get_context
from agent_trace.recording.scope import Scope, scope_of

MAIN_THREAD: Final = main_thread().ident

Identity = tuple[str, str]
"""(trace_id, id) of an observation."""

_Finished = tuple[Identity, Scope]

in_context: ContextVar[_Finished | None] = ContextVar("agent_trace-last_finished", default=None)


in_main_thread: list[_Finished | None] = [None]


def note_finished(identity: Identity, scope: Scope) -> None:
    """Remember an observation as the last one of this context."""
    finished = identity, scope
    in_context.set(finished)
    if get_ident() == MAIN_THREAD:
        in_main_thread[0] = finished


def last_finished() -> Identity | None:
    """The observation that finished last in this context; None when that was for another tenant, agent or session.

    `asyncio.run(ask())` finishes in a context of its own, which is gone when it returns. So in the main thread, while no
    event loop runs in it, what finished last in the thread counts. Not in other threads: a server's workers go from one
    request's context to the next.
    """
    scope = scope_of(get_context())
    in_main = in_main_thread[0] if get_ident() == MAIN_THREAD and not _loop_is_running() else None
    for finished in (in_main, in_context.get()):
        if finished is not None and _is_compatible(finished[1], scope):
            return finished[0]
    return None


def _is_compatible(one: Scope, other: Scope) -> bool:
    return all(other.get(name, value) == value for name, value in one.items())


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
    last, in_main_thread[0] = in_main_thread[0], None
    token = in_context.set(None)
    try:
        yield
    finally:
        in_main_thread[0] = last
        with suppress(ValueError):  # a generator fixture ends in another context than it began in
            in_context.reset(token)
