"""Names to choose from in menus: asked for beside the page, since they change seldom and are dear to count."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_trace.errors import StoreError
from agent_trace.store import Store
from agent_trace.store.overviews import Names

_SHARE: Final = 0.01
"""How much of the time may go into asking again."""


@dataclass(slots=True)
class _Offer:
    names: Names
    until_s: float
    asking: bool = False


_offers: Final[dict[Path, _Offer]] = {}
_lock: Final = threading.Lock()


def names_of(store: Store) -> Names:
    """The names of a store, as they were a moment ago: the longer they take to count, the longer ago."""
    with _lock:
        found = _offers.get(store.directory)
        is_due = found is not None and time.monotonic() > found.until_s and not found.asking
        if found is not None and is_due:
            found.asking = True
    if found is None:
        return _ask(store)
    if is_due:
        threading.Thread(target=_ask_aside, args=(store.directory,), daemon=True).start()
    return found.names


def _ask(store: Store) -> Names:
    store.refresh()
    start_s = time.monotonic()
    names = store.names(refresh=False)
    end_s = time.monotonic()
    with _lock:
        _offers[store.directory] = _Offer(names, end_s + (end_s - start_s) / _SHARE)
    return names


def _ask_aside(directory: Path) -> None:
    # What is wrong with the store is told by the page itself, which asks it as well.
    with suppress(StoreError, OSError), Store(directory) as store:
        _ask(store)
        return
    with _lock:
        _offers.pop(directory, None)
