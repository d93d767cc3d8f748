"""The page of one trace over HTTP: its tree, its transcript, its JSON, and what is too large for a page."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from agent_trace.viewer import searching
from agent_trace.viewer.pages.trace import LINES
from tests.support.asked import asked
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import generation

MS = 1_000_000
TRACE = "aa" * 16
PAGE = f"/traces/{TRACE}"
HISTORY = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "AAPL?"}]


def at(start_ms: int, end_ms: int, **fields: Any) -> dict[str, Any]:
    times = {"start_ns": START_NS + start_ms * MS, "end_ns": START_NS + end_ms * MS}
    return {"trace_id": TRACE, **times, **fields}


def desk() -> list[dict[str, Any]]:
    """An agent that asks twice, uses a tool, decides, and fails to order."""
    return [
        record(**at(0, 100, id="1", type="agent", name="desk", agent_id="trader", session_id="morning", tenant_id="acme")),
        generation(**at(0, 30, id="2", parent_id="1", name="first ask", input={"messages": HISTORY}, output="wait")),
        record(**at(30, 40, id="3", parent_id="1", type="tool", name="price", output={"close": 231.4})),
        generation(
            **at(40, 80, id="4", parent_id="1", name="second ask", output="BUY now", signal={"action": "BUY"}),
            input={"messages": [*HISTORY, {"role": "assistant", "content": "wait"}, {"role": "user", "content": "and?"}]},
        ),
        record(**at(80, 95, id="5", parent_id="1", type="tool", name="order", level="ERROR", error={"type": "ValueError"})),
        record(**at(81, 90, id="6", parent_id="5", name="inner step")),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    store = tmp_path_factory.mktemp("trace") / "store"
    later = [
        record(
            trace_id="bb" * 16, id=f"b{number}", start_ns=START_NS + number * 1000 * MS, session_id="morning"
        )
        for number in (1, 2)
    ]
    write_segment(store, [*desk(), *later])
    with asked(store) as client:
        yield client


def names(html: str) -> list[str]:
    """Names on the lines of a tree, in order."""
    return re.findall(r'<a class="name"[^>]*>([^<]*)</a>', html.partition("<template")[0])


def line_of(html: str, id: str) -> str:
    """The markup of one line."""
    found = re.search(
        rf'<div role="row"[^>]*data-id="{id:0>16}".*?(?=<div role="row"|</template>|$)', html, re.DOTALL
    )
    assert found, id
    return found[0]


def test_the_tree_lists_every_observation_below_what_opened_it(client: TestClient) -> None:
    html = client.get(PAGE).text
    assert names(html) == ["desk", "first ask", "price", "second ask", "order", "inner step"]
    assert re.findall(r'aria-level="(\d)"', html.partition("<template")[0]) == ["1", "2", "2", "2", "2", "3"]


def test_a_line_says_what_its_observation_took_used_and_cost(client: TestClient) -> None:
    line = line_of(client.get(PAGE).text, "4")
    for said in ("gpt-4o", "1.1 k", "$0.0035", "40 ms", "BUY", 'x="40.0%"', 'width="40.0%"'):
        assert said in line, said


def test_errors_and_the_critical_path_are_marked(client: TestClient) -> None:
    html = client.get(PAGE).text
    assert 'class="tree-line critical error"' in line_of(html, "5")
    assert client.get(f"{PAGE}.json").json()["critical_path"] == [f"{number:016x}" for number in range(1, 7)]


def test_the_start_of_an_id_is_enough_and_an_observation_s_does_too(client: TestClient) -> None:
    assert client.get("/traces/aaaa.json").json()["trace"]["trace_id"] == TRACE
    assert client.get(f"/traces/{3:016x}.json").json()["trace"]["trace_id"] == TRACE


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/traces/ffff", 404), ("/traces/not-an-id", 404), (f"{PAGE}?view=film", 400), (f"{PAGE}?from=-1", 400),
        (f"{PAGE}?from=x", 400), (f"{PAGE}?observation=ffff", 404), ("/observations/ffff", 404),
        (f"{PAGE}/rows/more", 404), ("/traces/ffff/rows", 404), ("/observations/..%2f..%2fetc/text", 404),
        (f"/observations/{2:016x}/text?at=/none", 404), (f"/observations/{2:016x}/text?at=/input/../x", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_or_cannot_be_asked_is_said(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_closing_an_observation_hides_what_lies_below_it(client: TestClient) -> None:
    fold = re.search(r'class="fold" href="([^"]+)"', line_of(client.get(PAGE).text, "5"))
    assert fold
    closed = client.get(fold[1].replace("&amp;", "&")).text
    assert "inner step" not in names(closed) and 'aria-expanded="false"' in line_of(closed, "5")
    assert names(client.get(f"{PAGE}?closed=all").text) == [
        "desk",
        "first ask",
        "price",
        "second ask",
        "order",
    ]


def test_a_search_looks_into_what_was_said_and_keeps_the_path_to_it(client: TestClient) -> None:
    html = client.get(f"{PAGE}?q=buy NOW").text
    assert names(html) == ["desk", "second ask"] and "1 found" in html
    assert client.get(f"{PAGE}/found?q=ask").json()["found"] == [f"{2:016x}", f"{4:016x}"]
    assert client.get(f"{PAGE}/found?q=").json() == {"found": [], "more": False}
    assert "is nowhere in this trace" in client.get(f"{PAGE}?q=zyzzyva").text


def test_of_more_finds_than_anybody_goes_through_the_first_are_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_FOUND", 2)
    for sought in ("order", "ask", "e"):  # in one name, in two, in all of them and in what was said
        found = client.get(f"{PAGE}/found?q={sought}").json()
        assert len(found["found"]) <= 2 and found["more"] == (sought == "e")
    assert "the first 2 found" in client.get(f"{PAGE}?q=e").text
    assert "2 found" in client.get(f"{PAGE}?q=ask").text
    assert "the first" not in client.get(f"{PAGE}?q=ask").text


def test_the_rows_of_the_script_say_what_the_page_says(client: TestClient) -> None:
    rows = client.get(f"{PAGE}/rows").json()["rows"]
    html = client.get(PAGE).text
    assert [row[3] for row in rows] == names(html)
    for row in rows:
        line = line_of(html, row[0])
        for said in (*filter(None, row[2:10]), f'x="{row[10]}%"', f'width="{row[11]}%"'):
            assert said in line


def test_an_observation_opens_beside_the_tree(client: TestClient) -> None:
    html = client.get(f"{PAGE}?observation={4:016x}").text
    assert 'id="observation-name">second ask' in html and len(names(html)) == 6
    assert 'class="tree-line critical current"' in line_of(html, "4")
    fragment = client.get(f"/observations/{4:016x}?panel=1").text
    assert "<html" not in fragment and "<nav" not in fragment and "and?" in fragment


def test_neighbours_are_linked_and_filters_by_what_it_belongs_to(client: TestClient) -> None:
    html = client.get(PAGE).text
    assert f'href="/traces/{"bb" * 16}" rel="next"' in html and 'rel="prev"' not in html
    for link in ("/?tenant=acme", "/?session=morning", "/?agent=trader"):
        assert f'href="{link}"' in html


def test_the_transcript_says_nothing_twice(client: TestClient) -> None:
    html = client.get(f"{PAGE}?view=transcript").text
    said = re.findall(r'<div class="text">([^<]*)</div>', html)
    assert said == ["be brief", "AAPL?", "wait", "and?", "BUY now"]
    assert "3 messages as before" in html


def test_the_json_view_shows_what_the_text_is(client: TestClient) -> None:
    text = client.get(f"{PAGE}/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert '"name": "second ask"' in text.text
    html = client.get(f"{PAGE}?view=json").text
    assert "second ask" in html and f'href="{PAGE}/text"' in html


def test_running_and_interrupted_ones_are_shown_as_such(tmp_path: Path) -> None:
    write_segment(tmp_path, [record("opened", id="1", name="cut short"), record(id="2", parent_id="1")])
    with asked(tmp_path) as client:
        html = client.get(f"/traces/{1:032x}").text
    assert line_of(html, "1").count("interrupted") >= 3 and "seen for" in html


def test_a_trace_of_ten_thousand_observations_sends_its_first_lines_only(tmp_path: Path) -> None:
    few = (record(id=f"{number:x}", parent_id="1" if number > 1 else None) for number in range(1, 10_001))
    write_segment(tmp_path, few)
    with asked(tmp_path) as client:
        page = client.get(f"/traces/{1:032x}")
        assert len(names(page.text)) == LINES and len(page.content) < 150_000
        assert len(client.get(f"/traces/{1:032x}/rows").json()["rows"]) == 10_000
        last = client.get(f"/traces/{1:032x}?from=9990").text
        assert len(names(last)) == 10 and "Previous lines" in last and "Next lines" not in last


def test_an_ordinary_page_is_light(client: TestClient) -> None:
    for query in ("", f"?observation={4:016x}", "?view=transcript", "?view=json"):
        assert len(client.get(PAGE + query).content) < 50_000


def test_of_a_message_of_five_megabytes_the_beginning_is_shown_and_the_whole_is_linked(
    tmp_path: Path,
) -> None:
    text = "<b>long</b> " * 420_000
    write_segment(
        tmp_path, [generation(id="1", input={"messages": [{"role": "user", "content": text}]}, output=text)]
    )
    with asked(tmp_path) as client:
        started = time.perf_counter()
        page = client.get(f"/traces/{1:032x}?observation={1:016x}").text
        assert time.perf_counter() - started < 20
        assert len(page) < 150_000 and page.count("Show all (4.8 MiB)") == 2
        link = re.search(r'href="([^"]+)">Show all', page)
        assert link
        whole = client.get(link[1].replace("&amp;", "&"))
    assert whole.text == text
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"


def test_a_long_conversation_shows_its_beginning_and_its_end(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": f"message {number}."} for number in range(300)]
    write_segment(tmp_path, [generation(id="1", input={"messages": messages}, output="x")])
    with asked(tmp_path) as client:
        page = client.get(f"/observations/{1:016x}").text
    assert "message 0." in page and "message 299." in page and "message 100." not in page
    assert "220 messages not shown" in page
