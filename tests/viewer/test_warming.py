"""Promises of getting ready: every page was made once before somebody asks, and nobody waits for it."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from agent_trace.costs.models import priced_model
from agent_trace.store import Store
from agent_trace.viewer import app, serving
from agent_trace.viewer.asking import Desk
from agent_trace.viewer.guarding import Door
from agent_trace.viewer.page import Page, Question
from agent_trace.viewer.pages.registry import PAGES
from agent_trace.viewer.warming import warm
from tests.support.asked import asked
from tests.support.segments import record, write_segment

TRACE = f"{1:032x}"


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """What warming keeps from the collector is given back to it."""
    yield
    gc.unfreeze()


class Asked:
    """Remembers for which pages it was asked."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def __call__(self, page: Page, store: Store, request: Request) -> Response:
        self.urls.append(str(request.url.path))
        page.content(Question(store, request.path_params, request.query_params))
        return Response()


def warmed(directory: Path) -> list[str]:
    answer = Asked()

    async def run() -> None:
        desk = Desk(directory)
        await warm(desk, answer)
        desk.close()

    asyncio.run(run())
    return answer.urls


def test_every_page_of_the_navigation_and_the_newest_trace_are_asked_for(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(type="generation", output="x")])
    urls = warmed(tmp_path)
    assert urls[:-2] == [page.path for page in PAGES if page.title]
    assert urls[-2:] == [f"/traces/{TRACE}"] * 2


@pytest.mark.parametrize(("models", "found"), [(["gpt-4o-mini", "house"], 2), ([], 1)])
def test_prices_are_loaded_and_models_of_the_store_looked_up(
    tmp_path: Path, models: list[str], found: int
) -> None:
    write_segment(tmp_path, [record(id=f"{n:x}", model=model) for n, model in enumerate(models)])
    Store(tmp_path).refresh()
    priced_model.cache_clear()
    warmed(tmp_path)
    assert priced_model.cache_info().currsize == found


def test_what_is_loaded_by_then_is_kept_from_the_collector(tmp_path: Path) -> None:
    write_segment(tmp_path, [record()])
    assert gc.get_freeze_count() == 0
    warmed(tmp_path)
    assert gc.get_freeze_count() > 10_000


def test_a_directory_without_a_store_is_no_failure(tmp_path: Path) -> None:
    assert warmed(tmp_path) == []


def test_it_waits_as_long_as_somebody_else_does(tmp_path: Path) -> None:
    write_segment(tmp_path, [record()])
    answer = Asked()

    async def run() -> None:
        desk = Desk(tmp_path)
        desk.waiting += 1
        warming = asyncio.create_task(warm(desk, answer))
        await asyncio.sleep(0.2)
        assert answer.urls == []
        desk.waiting -= 1
        await warming
        desk.close()

    asyncio.run(run())
    assert answer.urls


def test_a_page_that_is_served_gets_ready_by_itself_and_stops_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    async def slowly(desk: Desk, answer: object) -> None:
        said.append("begun")
        try:
            await asyncio.sleep(3)
            said.append("done")
        except asyncio.CancelledError:
            said.append("cancelled")
            raise

    monkeypatch.setattr(app, "warm", slowly)
    monkeypatch.setattr(Desk, "close", lambda desk: said.append("closed"))
    with asked(tmp_path) as client:
        client.get("/")
    assert said == ["closed"]
    said.clear()
    with TestClient(app.application(tmp_path, warmed=True), base_url="http://127.0.0.1") as client:
        client.get("/")
        assert said == ["begun"]
    assert said == ["begun", "cancelled", "closed"]


def test_agent_trace_ui_gets_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []

    def application(directory: Path, door: Door, *, warmed: bool = False) -> ASGIApp:
        made.append(warmed)
        return app.application(directory, door)

    monkeypatch.setattr(serving, "application", application)
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: None)
    serving.serve(tmp_path, serving.listen("127.0.0.1", 0), Door())
    assert made == [True]
