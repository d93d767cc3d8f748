"""What the first question of each kind has to wait for, done before somebody asks: imports, templates, prices, pages of the index.

Asks for every page of the navigation and for the newest trace, one after the other and only while nobody else asks.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from agent_trace.costs import price
from agent_trace.errors import StoreError
from agent_trace.store import Store
from agent_trace.viewer.asking import Desk
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import BadQuestion, Page
from agent_trace.viewer.pages import trace
from agent_trace.viewer.pages.registry import PAGES

Answering = Callable[[Page, Store, Request], Response]

_HEAD_START_S: Final = 0.1
"""For the browser that was waiting for the page to come up: its question goes first."""
_PAUSE_S: Final = 0.02
_MODELS: Final = 10
"""To find each in the table of prices for the first time takes ten milliseconds, to load that two hundred."""
_ANY_MODEL: Final = "gpt-4o"


async def warm(desk: Desk, answer: Answering) -> None:
    """Ask `desk` for pages that `answer` makes, and forget what they say."""
    await asyncio.sleep(_HEAD_START_S)
    with suppress(StoreError, BadQuestion, OSError):  # whoever asks is told
        for page in PAGES:
            if page.title:
                await _when_idle(desk, lambda store, page=page: answer(page, store, _request(page.path)))  # type: ignore[misc]
        await _when_idle(desk, lambda store: _newest(store, answer))
        await _when_idle(desk, _prices)
        # What is loaded by now stays: the collector need not look through it whenever a large page is made.
        gc.collect()
        gc.freeze()


def _newest(store: Store, answer: Answering) -> None:
    for newest in store.observations(limit=1, refresh=False):
        for query in (f"observation={newest.id}", "view=transcript"):
            answer(trace.PAGE, store, _request(f"/traces/{newest.trace_id}", query, trace_id=newest.trace_id))


def _prices(store: Store) -> None:
    for model in names_of(store).models[:_MODELS] or [_ANY_MODEL]:
        price(model, {"input": 1}, time.time_ns())


async def _when_idle(desk: Desk, question: Callable[[Store], object]) -> None:
    while desk.waiting:
        await asyncio.sleep(_PAUSE_S)
    await desk.ask(question)


def _request(path: str, query: str = "", **names: str) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": path,
            "path_params": names,
            "query_string": query.encode(),
            "headers": [],
        }
    )
