"""Puts questions to the store away from the event loop: a few threads, and a store for each question under way.

Whether anything changed can only be told by a store that was asked before: whoever asks again and again, as open pages do,
is answered by one store of its own.
"""

import asyncio
import heapq
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from agent_trace.store import Store

Answer = TypeVar("Answer")

_THREADS: Final = 4


class Desk:
    """Answers questions on a store. An open store answers one question at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="agent_trace-page")
        self._again = ThreadPoolExecutor(1, thread_name_prefix="agent_trace-page-again")
        self._few = _Stores(directory)
        self._one = _Stores(directory)
        self.waiting = 0
        """How many questions are not answered yet."""

    async def ask(self, question: Callable[[Store], Answer], *, again: bool = False) -> Answer:
        """What the store says; `again`: to who has an answer already.

        Raises StoreMissing while nothing was recorded yet, and what the question raises.
        """
        threads, stores = (self._again, self._one) if again else (self._threads, self._few)
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, stores.answer, question)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Wait for the questions under way, and let go of the stores."""
        for threads in (self._threads, self._again):
            threads.shutdown(cancel_futures=True)
        for stores in (self._few, self._one):
            stores.close()


class _Stores:
    """Open stores on one directory. Of those that are free, the one that was opened first goes out.

    Each keeps what it read of the index in memory: who asks alone is always answered by the same one, which knows most.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._all: list[Store] = []
        self._free: list[int] = []

    def answer(self, question: Callable[[Store], Answer]) -> Answer:
        """Put a question to one of them."""
        with self._lent() as store:
            return question(store)

    def close(self) -> None:
        """Let go of all."""
        for store in self._all:
            store.close()

    @contextmanager
    def _lent(self) -> Iterator[Store]:
        number = self._take()
        try:
            yield self._all[number]
        finally:
            with self._lock:
                heapq.heappush(self._free, number)

    def _take(self) -> int:
        with self._lock:
            if self._free:
                return heapq.heappop(self._free)
            self._all.append(Store(self._directory))
            return len(self._all) - 1
