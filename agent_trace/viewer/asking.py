"""Puts questions to the store away from the event loop: a few threads, each with a store of its own.

Whether anything changed can only be told by a store that was asked before: whoever asks again and again, as open pages do,
is answered by one thread of its own.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from agent_trace.store import Store

Answer = TypeVar("Answer")

_THREADS: Final = 4


class Desk:
    """Answers questions on a store. SQLite's connections belong to the thread that opened them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="agent_trace-page")
        self._again = ThreadPoolExecutor(1, thread_name_prefix="agent_trace-page-again")
        self._local = threading.local()
        self._stores: list[Store] = []

    async def ask(self, question: Callable[[Store], Answer], *, again: bool = False) -> Answer:
        """What the store says; `again`: to who has an answer already.

        Raises StoreMissing while nothing was recorded yet, and what the question raises.
        """
        threads = self._again if again else self._threads
        return await asyncio.get_running_loop().run_in_executor(threads, self._answer, question)

    def close(self) -> None:
        """Wait for the questions under way, and let go of the stores."""
        for threads in (self._threads, self._again):
            threads.shutdown(cancel_futures=True)
        for store in self._stores:
            store.close()

    def _answer(self, question: Callable[[Store], Answer]) -> Answer:
        store: Store | None = getattr(self._local, "store", None)
        if store is None:
            store = self._local.store = Store(self.directory)
            self._stores.append(store)
        return question(store)
