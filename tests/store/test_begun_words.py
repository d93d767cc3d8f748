"""Promises of words that are only begun: spelt out, they find what the full text finds of their beginning."""

import random
from pathlib import Path

import pytest

from agent_trace.store import Store, begun_words, said
from agent_trace.store.begun_words import spelt_out
from agent_trace.store.said import Said
from agent_trace.store.words import match_expression, terms_of
from tests.support.segments import START_NS, record, write_segment

WORDS = ["the", "The", "THis", "th", "thé", "t", "tea", "thing", "this9", "other", "théâtre", "thα", "rise"]
QUESTIONS = [
    "th*",
    "TH*",
    "the*",
    "ri*",
    "rise th*",
    "th* rise",
    "th* ri*",
    "rise/th*",
    "zz*",
    '"th*"',
    "rise",
    "thé*",
]


@pytest.fixture(params=[WORDS, [word for word in WORDS if word.isascii()]], ids=["folded", "ascii"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    chance = random.Random(3)
    for segment in range(3):
        lines = [
            record(
                trace_id=f"{number:x}",
                id=f"{number:x}",
                name="n",
                output=" ".join(chance.sample(request.param, 2)),
                start_ns=START_NS + number,
            )
            for number in range(segment * 20 + 1, segment * 20 + 21)
        ]
        write_segment(tmp_path, lines, started_s=segment)
    opened = Store(tmp_path)
    opened.refresh()
    opened.refresh_text()
    return opened


def found(store: Store, *expressions: str) -> set[int]:
    query = "SELECT rowid FROM texts WHERE texts MATCH ?"
    return {place for each in expressions for (place,) in store._index.connection.execute(query, (each,))}


@pytest.mark.parametrize("most", [1, 2, 300])
@pytest.mark.parametrize("question", QUESTIONS)
def test_all_words_together_find_what_their_beginning_finds(
    store: Store, monkeypatch: pytest.MonkeyPatch, question: str, most: int
) -> None:
    monkeypatch.setattr(begun_words, "_MOST_WORDS", most)
    terms = terms_of(question)
    spelt = spelt_out(store._index.connection, terms)
    whole = found(store, match_expression(terms))
    assert found(store, *spelt) == whole
    monkeypatch.setattr(said, "MOST_PLACES", 1)
    monkeypatch.setattr(said, "MOST_READ", 1)
    places = [place for (place,) in store._index.connection.execute("SELECT record FROM observations")]
    for chosen in (places, places[:7], places[::9], places[30:31], []):
        seen, passed = Said(store._index.connection, store._reading(), question).among(chosen)
        assert seen == whole & set(chosen)
        assert passed >= len(seen)


def test_a_beginning_is_spelt_out_unless_it_has_too_many_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path, [record(output="tea The thing"), record(id="2", output="rise riα")])
    with Store(tmp_path) as store:
        store.refresh()
        store.refresh_text()
        ask = store._index.connection
        assert spelt_out(ask, terms_of("T* rise")) == [
            f'"{word}" AND "rise"' for word in ("tea", "the", "thing")
        ]
        # The full text might fold such a letter once more.
        assert spelt_out(ask, terms_of("ri*")) == ['"ri"*']
        assert spelt_out(ask, terms_of("zz*")) == []
        monkeypatch.setattr(begun_words, "_MOST_WORDS", 2)
        assert spelt_out(ask, terms_of("t*")) == ['"t"*']
