"""A trace that still runs, as its page follows it: what is sent again, what is not, and when that ends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from agent_trace.viewer import unchanged
from tests.support.asked import asked
from tests.support.running import Running
from tests.support.stores import generation

MS = 1_000_000


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "store") as running:
        yield running


@pytest.fixture
def client(running: Running) -> Iterator[TestClient]:
    with asked(running.directory) as client:
        yield client


def rows_of(client: TestClient, running: Running) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"{running.page}/rows").json()
    return answer


def test_a_running_trace_is_followed_and_one_that_ended_is_not(client: TestClient, running: Running) -> None:
    for view in ("tree", "transcript", "json"):
        followed = f"{running.page}/rows" if view == "tree" else ""
        assert f'data-follows="{followed}"' in client.get(f"{running.page}?view={view}").text
    assert "data-follows" in rows_of(client, running)["html"]
    running.finish()
    assert "data-follows" not in client.get(running.page).text
    assert "data-follows" not in rows_of(client, running)["html"]


def test_one_whose_process_died_is_not_followed(client: TestClient, running: Running) -> None:
    running.die()
    said = rows_of(client, running)
    assert "data-follows" not in said["html"] and "interrupted" in said["html"]
    assert "data-follows" not in client.get(running.page).text


def test_the_rows_come_with_what_stands_around_them_by_now(client: TestClient, running: Running) -> None:
    assert [row[3] for row in rows_of(client, running)["rows"]] == ["desk"]
    running.write(generation(**running.below(), id="2", name="ask"))
    said = rows_of(client, running)
    assert [row[3] for row in said["rows"]] == ["desk", "ask"]
    for word in ("2 observations", "<b>1.1 k</b> tokens", "$0.0035", "so far"):
        assert word in said["html"], word


def test_what_is_sent_again_is_what_the_page_has(client: TestClient, running: Running) -> None:
    running.finish()
    page, said = client.get(running.page).text, rows_of(client, running)["html"]
    for part in ('data-live="state"', 'data-live="told"', 'data-live="scores"', 'data-live="axis"'):
        assert part in page
        assert said[said.index(part) :].partition("</")[0] in page


def test_nothing_is_sent_again_until_something_happens(client: TestClient, running: Running) -> None:
    url = f"{running.page}/rows"
    # Every thread of the page has answered something: whoever is asked again need not be the one who knows.
    with ThreadPoolExecutor(8) as visitors:
        etag = list(visitors.map(client.get, [url] * 16))[-1].headers["ETag"]
    # Time goes on; what is said of it does not have to be new every second.
    etag = client.get(url, headers={"If-None-Match": etag}).headers["ETag"]
    for _ in range(5):
        answer = client.get(url, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.content) == (304, b"")
    running.write(generation(**running.below(), id="2"))
    answer = client.get(url, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.headers["ETag"] != etag


def test_time_that_passes_is_told_after_a_while(
    client: TestClient, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{running.page}/rows"
    etag = client.get(url, headers={"If-None-Match": '"none"'}).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    monkeypatch.setattr(unchanged, "_TRUSTED_S", 0.0)
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_an_open_observation_is_sent_again_once_it_ended(client: TestClient, running: Running) -> None:
    running.open("a2", "thinker")
    url = f"/observations/{'a2':0>16}?panel=1"
    first = client.get(url)
    assert "not finished" in first.text
    etag = client.get(url, headers={"If-None-Match": first.headers["ETag"]}).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    running.finish("a2", output="HOLD after all")
    again = client.get(url, headers={"If-None-Match": etag})
    assert again.status_code == 200 and "HOLD after all" in again.text and "not finished" not in again.text


def test_turns_of_a_running_conversation_have_names_to_go_by(client: TestClient, running: Running) -> None:
    running.write(generation(**running.below(), id="2", input="AAPL?", output="BUY"))
    html = client.get(f"{running.page}?view=transcript").text
    assert 'data-live="turns" data-appends' in html and f'data-key="{2:016x}"' in html
