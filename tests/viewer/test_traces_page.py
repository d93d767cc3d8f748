"""The list of traces over HTTP: what a row says, what filters do, where pages go on, what JSON gives."""

import html
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agent_trace.store import Store
from agent_trace.viewer import unchanged
from agent_trace.viewer.filtering import filter_of
from tests.support.asked import asked
from tests.support.cli import CUT_OFF, DESK, EVIL, HOSTILE, MS, at, desk_store
from tests.support.segments import START_NS, record, write_segment

NEW = "a" * 31


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with asked(desk_store(tmp_path_factory.mktemp("desk") / "store")) as client:
        yield client


@pytest.fixture
def many(tmp_path: Path) -> Iterator[TestClient]:
    """The page on 120 traces, a second apart."""
    records = (
        record(
            trace_id=f"{number:032x}",
            id=f"{number:016x}",
            name=f"run {number}",
            start_ns=START_NS + number * 1000 * MS,
        )
        for number in range(1, 121)
    )
    write_segment(tmp_path / "store", records)
    with asked(tmp_path / "store") as client:
        yield client


def traces(client: TestClient, **query: str) -> list[str]:
    """Ids of the traces that a query gives, in order."""
    answer = client.get("/traces.json", params=query)
    assert answer.status_code == 200, answer.text
    return [row["trace_id"] for row in answer.json()["traces"]]


def text_of(page: str) -> str:
    """What a page says, without its markup, blanks run together."""
    words: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            words.append(data)

    Reader().feed(page)
    return " ".join(" ".join(words).split())


def row_of(page: str, trace_id: str) -> str:
    found = re.search(rf'<tr data-row data-key="{trace_id}">.*?</tr>', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_a_row_says_what_ran_how_it_ended_and_what_it_cost(client: TestClient) -> None:
    row = row_of(client.get("/").text, DESK)
    said = text_of(row)
    for words in (
        "trading desk",
        "AAPL",
        "done",
        "error",
        "1.2 s",
        "1.3 k",
        "$0.0123",
        "BUY",
        "analyst",
        "demo-desk",
        "run-1",
        "gpt-4o-mini",
    ):
        assert words in said, (words, said)
    assert f'href="/traces/{DESK}"' in row


def test_a_trace_whose_process_died_is_seen_as_interrupted(client: TestClient) -> None:
    assert '<span class="badge interrupted">interrupted</span>' in row_of(client.get("/").text, CUT_OFF)


def test_a_running_trace_is_seen_as_running(tmp_path: Path) -> None:
    path = write_segment(
        tmp_path / "store",
        [record("opened", trace_id=CUT_OFF, id="b", type="agent")],
        sealed=False,
        unused_bytes=1024,
    )
    with path.open("r+b") as writer, asked(tmp_path / "store") as client:
        import fcntl

        fcntl.flock(writer, fcntl.LOCK_EX)
        assert '<span class="badge running">running</span>' in row_of(client.get("/").text, CUT_OFF)


def test_what_a_model_wrote_is_text_and_nothing_else(tmp_path: Path) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>"
    fields = dict.fromkeys(
        ("name", "input", "output", "model", "agent_id", "tenant_id", "session_id"), script
    )
    signal = {"action": script}
    evil = record(type="generation", **fields, signal=signal, tags=[script])
    hidden = record(trace_id="2", id="2", name=EVIL, input=EVIL, agent_id="javascript:alert(1)")
    write_segment(tmp_path / "store", [evil, hidden])
    with asked(tmp_path / "store") as client:
        for query in ({}, {"agent": script}, {"q": script}, {"tag": script}):
            page = client.get("/", params=query).text
            assert "<img" not in page and "<b>" not in page.replace("<b>0", "").split("<table")[1]
            assert page.count("<script") == 1  # our own, in the head
        page = client.get("/").text
        assert html.escape("<script>alert(1)</script>") in page
        assert "\\u202e" in page and "\\x1b" in page
        assert not re.search("[\x1b\u202e\u200b]", page)
        assert 'href="javascript' not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [CUT_OFF, HOSTILE, DESK]),
        ({"agent": "analyst"}, [DESK]),
        ({"tenant": "demo-desk", "session": "run-1"}, [DESK]),
        ({"status": "interrupted"}, [CUT_OFF]),
        ({"status": "error"}, [DESK]),
        ({"signal": "buy"}, [DESK]),
        ({"tag": "signal:BUY"}, [DESK]),
        ({"q": "momentum strong"}, [DESK]),
        ({"q": "momentum", "agent": "nobody"}, []),
        ({"type": "agent", "name": "cut off"}, [CUT_OFF]),
        ({"level": "warning"}, [HOSTILE]),
        ({"min_cost": "$0.01"}, [DESK]),
        ({"min_duration": "500ms"}, [DESK]),
        ({"until": "2025-11-22T08:26:42+00:00"}, [DESK]),
        ({"since": "2025-11-22T08:26:43+00:00"}, [CUT_OFF]),
        ({"model": "gpt-4o-mini", "user": ""}, [DESK]),
    ],
)
def test_filters_in_the_url_narrow_the_list(
    client: TestClient, query: dict[str, str], expected: list[str]
) -> None:
    assert traces(client, **query) == expected
    shown = re.findall(r'data-key="(\w+)"', client.get("/", params=query).text)
    assert shown == expected


def test_totals_are_those_of_what_is_filtered(client: TestClient) -> None:
    totals = client.get("/traces.json", params={"tenant": "demo-desk"}).json()["totals"]
    assert (totals["traces"], totals["generations"], totals["tokens"], totals["cost"]) == (
        1,
        2,
        1272,
        "0.0123",
    )
    assert "1 trace" in text_of(client.get("/", params={"tenant": "demo-desk"}).text)


def test_totals_are_those_of_every_page_on_each_of_them(many: TestClient) -> None:
    older: str | None = ""
    while older is not None:
        page = many.get("/traces.json", params={"before": older}).json()
        assert (page["totals"]["traces"], page["totals"]["observations"]) == (120, 120)
        older = page["older"]


@pytest.mark.parametrize(
    "query",
    [{}, {"status": "interrupted"}, {"tenant": "demo-desk"}, {"min_cost": "9"}, {"q": "price"}],
    ids=str,
)
def test_totals_of_a_list_that_is_whole_are_those_that_the_store_would_give(
    client: TestClient, tmp_path: Path, query: dict[str, str]
) -> None:
    page = client.get("/traces.json", params=query).json()
    assert page["older"] is None
    with Store(desk_store(tmp_path / "store")) as store:
        expected = asdict(store.totals(filter_of(query)))
    expected["cost"] = None if expected["cost"] is None else str(expected["cost"])
    assert page["totals"] == expected


def test_each_active_filter_can_be_taken_away_alone(client: TestClient) -> None:
    page = client.get("/", params={"agent": "analyst", "q": "a & b", "before": f"{at(9000)}-{DESK}"}).text
    chips = re.search(r'<ul class="chips".*?</ul>', page, re.DOTALL)
    assert chips is not None
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', chips[0])]
    assert links == ["/?agent=analyst", "/?q=a+%26+b", "/"]


def test_a_form_shows_what_it_was_asked(client: TestClient) -> None:
    page = client.get("/", params={"agent": 'a"b', "level": "error"}).text
    assert 'name="agent" value="a&#34;b"' in page
    assert "<option selected>ERROR</option>" in page


def test_known_names_are_offered(client: TestClient) -> None:
    page = client.get("/").text
    assert '<option value="analyst">' in page and '<option value="gpt-4o-mini">' in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"since": "soon"}, ("since", "soon", "2026-11-22")),
        ({"status": "fine"}, ("status", "fine", "interrupted")),
        ({"min_cost": "cheap"}, ("min_cost", "cheap", "0.05")),
        ({"before": "here"}, ("before", "here")),
    ],
)
def test_what_cannot_be_asked_is_answered_with_what_would_do(
    client: TestClient, query: dict[str, str], words: tuple[str, ...]
) -> None:
    for path in ("/", "/traces.json"):
        answer = client.get(path, params=query)
        assert answer.status_code == 400
        assert [word for word in words if word not in answer.text] == []
    assert list(client.get("/traces.json", params=query).json()) == ["problem"]


def test_pages_go_on_where_the_one_before_ended(many: TestClient) -> None:
    seen, older = [], ""
    for rows in (40, 40, 40):
        answer = many.get("/traces.json", params={"before": older}).json()
        assert len(answer["traces"]) == rows
        seen += [row["name"] for row in answer["traces"]]
        older = answer["older"]
    assert older is None
    assert seen == [f"run {number}" for number in range(120, 0, -1)]


def test_traces_that_arrive_meanwhile_do_not_move_the_next_page(many: TestClient, tmp_path: Path) -> None:
    older = many.get("/traces.json").json()["older"]
    write_segment(
        tmp_path / "store", [record(trace_id=NEW, id="f1", start_ns=START_NS + 10**12)], started_s=500
    )
    assert many.get("/traces.json", params={"before": older}).json()["traces"][0]["name"] == "run 80"
    assert traces(many)[0] == NEW.rjust(32, "0")


def test_links_lead_to_older_ones_with_the_filter_kept_and_back(many: TestClient) -> None:
    page = many.get("/", params={"type": "span"}).text
    found = re.search(r'<a href="([^"]+)" data-older', page)
    assert found is not None and "data-newer" not in page
    second = many.get(html.unescape(found[1])).text
    assert "run 80" in second and "run 81" not in second
    assert re.search(r'<a href="/\?type=span" data-newer', second)
    assert "data-follows" in page and "data-follows" not in second


def test_an_unchanged_page_is_not_sent_again(many: TestClient, tmp_path: Path) -> None:
    first = many.get("/")
    again = many.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    write_segment(
        tmp_path / "store", [record(trace_id=NEW, id="f1", name="fresh", start_ns=at(10**6))], started_s=500
    )
    changed = many.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200 and "fresh" in changed.text


def test_what_was_read_again_and_came_out_the_same_is_not_sent_either(
    many: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = many.get("/").headers["etag"]
    monkeypatch.setattr(unchanged, "_TRUSTED_S", -1.0)
    assert many.get("/", headers={"If-None-Match": etag}).status_code == 304


def test_json_has_the_keys_that_the_guide_promises(client: TestClient) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "ui.md").read_text(encoding="utf-8")
    promised = re.findall(
        r"^\| `(\w+)` \|", guide.partition("`/traces.json` has these keys")[2], re.MULTILINE
    )
    assert list(client.get("/traces.json").json()) == promised


def test_times_can_be_read_by_the_script(client: TestClient) -> None:
    found = re.search(r'<time datetime="([^"]+)" title="([^"]+)">', row_of(client.get("/").text, DESK))
    assert found is not None
    assert re.fullmatch(r"2025-11-22T\d\d:\d\d:40\.000[+-]\d\d:\d\d", found[1])


def test_nothing_in_a_page_needs_inline_script_or_style(client: TestClient) -> None:
    for path in ("/", "/nothing", "/?since=soon"):
        page = client.get(path).text
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page)


def test_a_page_is_light(client: TestClient, many: TestClient) -> None:
    weight = sum(len(many.get(path).content) for path in ("/", "/static/page.css", "/static/page.mjs"))
    assert weight < 150_000


def test_an_unknown_url_is_a_page_in_the_same_look(client: TestClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "There is no page at /nowhere" in text_of(answer.text)
    assert '<a href="/sessions">' in answer.text
    assert client.get("/traces/" + "f" * 32).status_code == 404


def test_an_empty_store_teaches_the_two_lines_until_something_is_there(tmp_path: Path) -> None:
    with asked(tmp_path / "store") as client:
        page = client.get("/")
        assert page.status_code == 200
        said = text_of(page.text)
        assert "from agent_trace import observe_llm" in said and "@observe_llm" in said
        assert client.get("/traces.json").status_code == 404
        assert not (tmp_path / "store").exists()
        desk_store(tmp_path / "store")
        assert "trading desk" in client.get("/").text


def test_a_store_of_a_newer_version_is_told_in_words(tmp_path: Path) -> None:
    store = desk_store(tmp_path / "store")
    with asked(store) as client:
        client.get("/")
    with sqlite3.connect(store / "index.sqlite") as connection:
        connection.execute("PRAGMA user_version = 999")
    with asked(store) as client:
        answer = client.get("/")
        assert answer.status_code == 500
        assert "upgrade agent-trace" in text_of(answer.text)
        assert client.get("/traces.json").json()["problem"]


def test_a_damaged_index_is_made_anew_under_an_open_page(tmp_path: Path) -> None:
    store = desk_store(tmp_path / "store")
    with asked(store) as client:
        client.get("/")
        (store / "index.sqlite").write_bytes(os.urandom(100_000))
        assert "trading desk" in client.get("/").text


def test_a_store_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "segments").write_text("no directory")
    with asked(tmp_path / "store") as client:
        answer = client.get("/")
        assert answer.status_code in (200, 500)
        assert "Traceback" not in answer.text


def test_a_text_that_many_have_is_looked_for_bit_by_bit_and_the_page_says_how_far(
    many: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_trace.store.said.MOST_PLACES", 5)
    monkeypatch.setattr("agent_trace.store.walking._FIRST_LOOK", 10)
    monkeypatch.setattr("agent_trace.store.queries._MOST_LOOKED_AT", 15)
    first = many.get("/", params={"q": "run"})
    told = text_of(first.text)
    assert "Looked back to" in told and "Look further back" in told and "no trace fits" not in told
    found, query = traces(many, q="run"), {"q": "run"}
    while older := many.get("/traces.json", params=query).json()["older"]:
        query = {"q": "run", "before": older}
        found += traces(many, **query)
    assert found == [f"{number:032x}" for number in range(120, 0, -1)]
    assert "Looked back to" not in text_of(many.get("/").text)
