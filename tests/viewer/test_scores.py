"""Scores on the page: beside the observation that was judged, and on the trace that was; also in the JSON."""

from pathlib import Path
from typing import Any

import pytest

from agent_trace.store import Score, Store
from tests.support.asked import asked
from tests.support.journals import run_program
from tests.support.running import Running
from tests.support.segments import START_NS, record, write_segment

TRACE, PAGE = f"{1:032x}", f"/traces/{1:032x}"
HOSTILE = "<img src=x onerror=alert(1)>\u202e"
PROGRAM = """
from agent_trace import ObservabilityContext, observe_llm

@observe_llm(name="judged")
def judged():
    ObservabilityContext.score("helpful", 0.75, comment="answers the question")
    ObservabilityContext.score("cites", True)
    ObservabilityContext.score("tone", "calm")

judged()
"""


def score(name: str, value: Any, id: str | None = "1", **fields: Any) -> dict[str, Any]:
    made = record("score", score={"name": name, "value": value, **fields})
    return {key: each for key, each in (made | {"id": id and id.rjust(16, "0")}).items() if each is not None}


def scores_in(store: Path, trace_id: str = TRACE) -> list[Score]:
    with Store(store) as opened:
        return opened.scores(trace_id)


def test_scores_that_a_program_gave_stand_beside_its_observation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_TRACE_DIR", str(tmp_path))
    assert run_program(PROGRAM).returncode == 0
    with asked(tmp_path) as client:
        entry = client.get("/traces.json").json()["traces"][0]
        (observation,) = client.get(f"/traces/{entry['trace_id']}.json").json()["entries"]
        html = client.get(f"/observations/{observation['id']}").text
        found = client.get(f"/observations/{observation['id']}.json").json()["scores"]
    table = html[html.index('class="rows small scores"') :].partition("</table>")[0]
    for said in (
        "helpful",
        "0.75",
        "numeric",
        "answers the question",
        "cites",
        "true",
        "boolean",
        "tone",
        "calm",
    ):
        assert said in table
    assert table.count("<time") == 3
    told = [(each["name"], each["value"], each["data_type"], each["comment"]) for each in found]
    assert told == [
        ("helpful", 0.75, "NUMERIC", "answers the question"),
        ("cites", True, "BOOLEAN", None),
        ("tone", "calm", "CATEGORICAL", None),
    ]


def test_a_trace_shows_its_own_scores_and_its_json_has_all(tmp_path: Path) -> None:
    write_segment(
        tmp_path,
        [
            record(),
            record(id="2"),
            score("overall", 0.5, None),
            score("of one", 3.0, "2"),
            score("other", 1.0, "1"),
        ],
    )
    with asked(tmp_path) as client:
        html = client.get(PAGE).text
        found = client.get(f"{PAGE}.json").json()["scores"]
        assert "overall" in html and "of one" not in html
        assert "of one" in client.get(f"{PAGE}?observation={2:016x}").text
        assert "other" not in client.get(f"/observations/{2:016x}").text
        assert '"overall"' in client.get(f"{PAGE}/text").text
    assert [(each["name"], each["observation_id"]) for each in found] == [
        ("overall", None),
        ("of one", f"{2:016x}"),
        ("other", f"{1:016x}"),
    ]


def test_without_scores_nothing_is_said_of_any(tmp_path: Path) -> None:
    write_segment(tmp_path, [record()])
    with asked(tmp_path) as client:
        assert "Score" not in client.get(f"{PAGE}?observation={1:016x}").text


def test_what_stands_in_a_score_stays_text_and_a_long_comment_is_cut(tmp_path: Path) -> None:
    write_segment(
        tmp_path,
        [
            record(),
            score(HOSTILE, HOSTILE, comment=HOSTILE + "long " * 1000, data_type=HOSTILE),
            score("n", {"a": 1}),
        ],
    )
    with asked(tmp_path) as client:
        page = client.get(f"/observations/{1:016x}")
        assert "<img" not in page.text and "\u202e" not in page.text
        assert "\\u202e" in page.text and len(page.content) < 20_000
        assert f'<a href="/observations/{1:016x}.json">Show all</a>' in page.text


def test_scores_are_found_in_whichever_segment_they_are_and_however_late(tmp_path: Path) -> None:
    write_segment(tmp_path, [score("early", 1.0), record(), b"no record at all\n"])
    assert [each.name for each in scores_in(tmp_path)] == ["early"]
    gone = write_segment(
        tmp_path, [record(id="3"), score("late", 2.0) | {"at_ns": START_NS + 9_000_000}], started_s=9
    )
    write_segment(
        tmp_path, [record(trace_id="2"), score("elsewhere", 1.0) | {"trace_id": f"{2:032x}"}], started_s=5
    )
    assert [each.name for each in scores_in(tmp_path)] == ["early", "late"]
    gone.unlink()
    assert [each.name for each in scores_in(tmp_path)] == ["early"]


def test_a_score_given_while_the_page_is_open_arrives(tmp_path: Path) -> None:
    with Running(tmp_path / "store") as running, asked(running.directory) as client:
        url = f"{running.page}/rows"
        etag = client.get(url, headers={"If-None-Match": '"none"'}).headers["ETag"]
        mark = {"v": 1, "kind": "score", "trace_id": running.trace_id, "at_ns": START_NS}
        running.write(mark | {"score": {"name": "overall", "value": 1.0, "data_type": "NUMERIC"}})
        answer = client.get(url, headers={"If-None-Match": etag})
        assert answer.status_code == 200 and "1 score of this trace" in answer.json()["html"]
