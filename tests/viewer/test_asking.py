"""Questions are put to the store away from the event loop, and asked again where the answer is known."""

import asyncio
import threading
import time
from functools import partial
from pathlib import Path

from agent_trace.store import Store
from agent_trace.viewer.asking import Desk
from tests.support.segments import record, write_segment


def _thread(store: Store) -> tuple[int, int]:
    time.sleep(0.02)
    return threading.get_ident(), id(store)


def test_who_asks_again_is_answered_by_one_and_the_same_store(tmp_path: Path) -> None:
    write_segment(tmp_path, [record()])

    async def ask() -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        desk = Desk(tmp_path)
        first = await asyncio.gather(*(desk.ask(_thread) for _ in range(8)))
        again = await asyncio.gather(*(desk.ask(_thread, again=True) for _ in range(8)))
        desk.close()
        return set(first), set(again)

    first, again = asyncio.run(ask())
    assert len(first) > 1 and len(again) == 1 and not first & again


def _thread_with(others: threading.Barrier, store: Store) -> tuple[int, int]:
    others.wait()
    return _thread(store)


def test_who_asks_alone_is_answered_by_the_store_that_was_opened_first(tmp_path: Path) -> None:
    write_segment(tmp_path, [record()])

    async def ask() -> tuple[set[int], list[int]]:
        desk = Desk(tmp_path)
        _, first = await desk.ask(_thread)
        all_inside = threading.Barrier(4, timeout=60)
        together = await asyncio.gather(*(desk.ask(partial(_thread_with, all_inside)) for _ in range(4)))
        alone = [(await desk.ask(_thread))[1] for _ in range(6)]
        desk.close()
        return {store for _, store in together}, [first, *alone]

    together, alone = asyncio.run(ask())
    assert len(together) == 4 and len(set(alone)) == 1 and set(alone) <= together


def test_a_question_that_failed_gives_its_store_back(tmp_path: Path) -> None:
    write_segment(tmp_path, [record()])

    def fail(store: Store) -> None:
        raise ValueError(id(store))

    async def ask() -> tuple[object, int]:
        desk = Desk(tmp_path)
        (failed,) = await asyncio.gather(desk.ask(fail), return_exceptions=True)
        _, store = await desk.ask(_thread)
        assert desk.waiting == 0
        desk.close()
        return failed, store

    failed, store = asyncio.run(ask())
    assert isinstance(failed, ValueError) and failed.args == (store,)
