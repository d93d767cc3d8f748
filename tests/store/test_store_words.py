"""Promises of the search: which words find what, and what is shown of it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.store import Filter, Store
from agent_trace.store.words import match_expression, terms_of
from tests.support.segments import START_NS, record, write_segment


def found(directory: Path, text: str, where: Filter | None = None) -> list[str]:
    with Store(directory) as store:
        return [match.observation.id[-1] for match in store.search(text, where or Filter())]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    chat = {
        "messages": [{"role": "user", "content": "Is the momentum of BTC/USDT strong?\nLook at Zürich too."}]
    }
    write_segment(
        tmp_path,
        [
            record(
                id="a",
                name="ask_model",
                input=chat,
                output="Momentum is weak, volatility low.",
                start_ns=START_NS,
            ),
            record(id="b", output={"answer": [{"text": "the momentum strategy"}]}, start_ns=START_NS + 1),
            record(
                id="c", error={"type": "RateLimitError", "message": "503 slow down"}, start_ns=START_NS + 2
            ),
            record(
                id="d", metadata={"order": 4711, "note": "市場は強い"}, agent_id="risk", start_ns=START_NS + 3
            ),
            record("amendment", id="d", signal={"action": "BUY", "reasoning": "breakout confirmed"}),
        ],
    )
    return tmp_path


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("momentum", "ba"),
        ("MOMENTUM", "ba"),
        ("momentum volatility", "a"),
        ('"momentum is weak"', "a"),
        ('"weak momentum"', ""),
        ("volat*", "a"),
        ("volat", ""),
        ("BTC/USDT", "a"),
        ("usdt/btc", ""),
        ("zurich", "a"),
        ("Zürich", "a"),
        ("RateLimitError", "c"),
        ("503", "c"),
        ("4711", "d"),
        ("市場", "d"),
        ("場市", ""),
        ("強い", "d"),
        ("breakout", "d"),
        ("ask_model", "a"),
        ("messages", ""),
        ("absent", ""),
        ("", ""),
        ("  ?! ", ""),
        ('"', ""),
        ("momentum OR absent", ""),
        ("output:momentum", ""),
        ("momentum*", "ba"),
    ],
)
def test_words_find(desk: Path, text: str, ids: str) -> None:
    assert "".join(found(desk, text)) == ids


def test_a_search_can_be_narrowed(desk: Path) -> None:
    assert found(desk, "breakout", Filter(agent="risk")) == ["d"]
    assert found(desk, "breakout", Filter(agent="other")) == []
    assert found(desk, "momentum", Filter(since_ns=START_NS + 1)) == ["b"]


def test_a_snippet_shows_the_words_with_their_places(tmp_path: Path) -> None:
    long = "before " * 400 + "the Golden cross appeared" + " after" * 400
    write_segment(tmp_path, [record(input={"q": long})])
    (match,) = Store(tmp_path).search("golden cross")
    assert match.field == "input"
    assert len(match.snippet) < 300
    assert match.snippet.startswith("…") and match.snippet.endswith("…")
    assert [match.snippet[start:end] for start, end in match.marks] == ["Golden", "cross"]


def test_the_limit_takes_the_newest(tmp_path: Path) -> None:
    write_segment(
        tmp_path, [record(id=f"{n + 1:x}", output="word", start_ns=START_NS + n) for n in range(30)]
    )
    assert [match.observation.start_ns - START_NS for match in Store(tmp_path).search("word", limit=3)] == [
        29,
        28,
        27,
    ]


def test_one_observation_is_found_once_though_its_amendment_has_the_word_too(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(output="BUY"), record("amendment", signal={"action": "BUY"})])
    assert len(Store(tmp_path).search("buy")) == 1


def test_much_text_waits_until_a_search_asks_and_then_tells_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_trace.store.asking.LITTLE_BYTES", 1000)
    write_segment(tmp_path, [record(id=f"{n + 1:x}", output="word " * 40) for n in range(50)])
    with Store(tmp_path) as store:
        store.refresh()
        assert store._index.connection.execute("SELECT sum(text_position) FROM segments").fetchone() == (0,)
        steps: list[tuple[int, int]] = []
        assert len(store.search("word", progress=lambda *step: steps.append(step))) == 50
        assert steps[-1][0] == steps[-1][1] > 10_000


def test_words_of_removed_segments_go_once_they_outweigh_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_trace.store.text.LITTLE_BYTES", 100)
    paths = [
        write_segment(tmp_path, [record(id=f"{n + 1:x}", output="word " * 40)], started_s=n) for n in range(6)
    ]
    with Store(tmp_path) as store:
        assert len(store.search("word")) == 6
        for path in paths[:4]:
            path.unlink()
        assert len(store.search("word")) == 2
        rows = store._index.connection.execute(
            "SELECT count(*) FROM texts WHERE texts MATCH 'word'"
        ).fetchone()
        assert rows == (2,)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_question_upsets_the_search(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = tmp_path_factory.mktemp("store")
    write_segment(directory, [record(output=f"{text} momentum")])
    with Store(directory) as store:
        matches = store.search(text)
    assert not matches or matches[0].observation.output.endswith("momentum")


def test_a_question_is_quoted_so_that_operators_are_words() -> None:
    assert (
        match_expression(terms_of('NEAR(a b) "x y" z*')) == '"NEAR" AND "a" AND "b" AND "x" AND "y" AND "z"*'
    )


PREVIEWS: list[tuple[Any, str | None]] = [
    (None, None),
    ("plain  text\nhere", "plain text here"),
    ({"messages": [{"role": "system", "content": "be good"}, {"role": "user", "content": "hello"}]}, "hello"),
    ({"prompt": "hello", "symbol": "BTC"}, "hello"),
    ({"question": {"a": 1, "b": 2}}, '{"question":{"a":1,"b":2}}'),
    ([{"type": "text", "text": "done"}], "done"),
    (7, "7"),
    ({}, None),
    ({"a": {}}, '{"a":{}}'),
    ("x" * 500, "x" * 199 + "…"),
]


@pytest.mark.parametrize(("value", "line"), PREVIEWS)
def test_a_preview_is_what_was_said_last_on_one_line(tmp_path: Path, value: Any, line: str | None) -> None:
    write_segment(tmp_path, [record(input=value)])
    assert Store(tmp_path).traces()[0].input_preview == line
