"""What was judged of a trace, and of what is in it: found by the trace, wherever in the journal it stands."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent_trace.errors import NotFound
from agent_trace.store import Score, Store
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import content, generation, rebuilt

TRACE = f"{1:032x}"


def score(
    name: str, value: Any, id: str | None = f"{1:016x}", at_ns: int = START_NS, **said: Any
) -> dict[str, Any]:
    made = record("score", id="1", at_ns=at_ns, score={"name": name, "value": value, **said})
    return {**made, "id": id} if id else {key: each for key, each in made.items() if key != "id"}


def names(directory: Path, trace: str = TRACE) -> list[str]:
    with Store(directory) as store:
        return [each.name for each in store.scores(trace)]


def test_each_says_what_was_judged_how_and_why(tmp_path: Path) -> None:
    of_one = score("helpful", 0.75, data_type="NUMERIC", comment="answers the question")
    of_all = score("tone", "calm", None, START_NS + 1, data_type="CATEGORICAL")
    write_segment(tmp_path, [record(), of_one, of_all, score("cites", True, f"{2:016x}", START_NS + 2)])
    with Store(tmp_path) as store:
        assert store.scores(TRACE[-32:-30] + TRACE[2:]) == [
            Score(f"{1:016x}", "helpful", 0.75, "NUMERIC", "answers the question", START_NS),
            Score(None, "tone", "calm", "CATEGORICAL", None, START_NS + 1),
            Score(f"{2:016x}", "cites", True, "", None, START_NS + 2),
        ]


def test_the_oldest_come_first_from_whichever_segment_and_before_their_trace_too(tmp_path: Path) -> None:
    write_segment(tmp_path, [score("second", 1, at_ns=START_NS + 5)], started_s=1)
    with Store(tmp_path) as store:
        with pytest.raises(NotFound):
            store.scores(TRACE)
        write_segment(tmp_path, [record(), score("third", 1, at_ns=START_NS + 9)], started_s=2)
        other = {**score("of another", 1), "trace_id": f"{2:032x}"}
        write_segment(tmp_path, [score("first", 1, at_ns=START_NS), other], started_s=3)
        assert [each.name for each in store.scores(TRACE)] == ["first", "second", "third"]


def test_what_says_too_little_is_told_as_far_as_it_can_be(tmp_path: Path) -> None:
    broken = {**score("x", 1), "score": "good"}
    write_segment(tmp_path, [record(), broken, score("list", [1]), score("", None)])
    with Store(tmp_path) as store:
        assert [(each.name, each.value) for each in store.scores(TRACE)] == [
            ("score", None),
            ("list", None),
            ("score", None),
        ]


def test_scores_go_with_their_segment(tmp_path: Path) -> None:
    going = write_segment(tmp_path, [score("gone", 1)], started_s=1)
    write_segment(tmp_path, [record(), score("kept", 1)], started_s=2)
    assert names(tmp_path) == ["gone", "kept"]
    going.unlink()
    assert names(tmp_path) == ["kept"]
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM scores").fetchone() == (1,)


def test_an_index_from_before_scores_is_brought_up_to_date_with_all_else_as_it_was(tmp_path: Path) -> None:
    amendment = record("amendment", tags=["late"], at_ns=START_NS + 3)
    segment = [generation(tenant_id="a", session_id="s"), score("x", 1), amendment]
    write_segment(tmp_path, [*segment, record(id="2", trace_id="2")], started_s=1)
    with Store(tmp_path) as store:
        store.search("word")
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        indexes = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'profiles_by%'")
        later = [f"DROP INDEX {name}" for (name,) in indexes.fetchall()]
        connection.executescript("; ".join([*later, "DROP TABLE scores", "PRAGMA user_version = 4"]))
    with Store(tmp_path) as store:
        assert [each.name for each in store.scores(TRACE)] == ["x"]
        assert store.costs(by="tenant") and len(store.sessions()) == 1
        before = content(store)
    assert before == rebuilt(tmp_path)
