"""An open page that asks every second: told that nothing changed only while nothing did."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent_trace.store import Store
from agent_trace.viewer import offers, unchanged
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.unchanged import Unchanged
from tests.support.segments import record, write_segment
from tests.support.stores import generation, store_of


@pytest.fixture
def store(tmp_path: Path):
    with store_of(tmp_path / "store", record()) as store:
        yield store


def test_an_answer_is_known_until_something_arrives(store: Store) -> None:
    known = Unchanged()
    assert not known.knows("/?", '"a"', store)
    known.note("/?", '"a"', store.version())
    assert known.knows("/?", '"a"', store)
    assert not known.knows("/?", '"b"', store) and not known.knows("/?q=x", '"a"', store)
    write_segment(store.directory, [record(id="2")], started_s=5)
    assert not known.knows("/?", '"a"', store)


def test_what_another_store_read_is_noticed(store: Store) -> None:
    known = Unchanged()
    known.note("/?", '"a"', store.version())
    write_segment(store.directory, [record(id="2")], started_s=5)
    with Store(store.directory) as another:
        another.refresh()
    assert not known.knows("/?", '"a"', store)


def test_an_index_that_was_made_anew_is_noticed(store: Store) -> None:
    known = Unchanged()
    known.note("/?", '"a"', store.version())
    (store.directory / "index.sqlite").unlink()
    assert not known.knows("/?", '"a"', store)


def test_no_answer_is_trusted_for_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(unchanged, "time", SimpleNamespace(monotonic=lambda: now_s))
    known = Unchanged()
    known.note("/?", '"a"', store.version())
    now_s += 60
    assert not known.knows("/?", '"a"', store)


def test_what_is_remembered_stays_small(store: Store) -> None:
    known = Unchanged()
    for number in range(500):
        known.note(f"/?q={number}", '"a"', store.version())
    assert len(known._answers) <= 100
    assert known.knows("/?q=499", '"a"', store) and not known.knows("/?q=0", '"a"', store)


def test_names_are_asked_for_again_when_they_are_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later_s = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later_s)
    monkeypatch.setattr(offers, "time", clock)
    with store_of(tmp_path / "store", generation(agent_id="first")) as store:
        assert names_of(store).agents == ["first"]
        write_segment(store.directory, [generation(id="2", agent_id="second")], started_s=5)
        later_s = 1000.0
        names_of(store)  # which has them asked for beside it
        end_s = time.monotonic() + 10
        while time.monotonic() < end_s and len(names_of(store).agents) < 2:
            time.sleep(0.01)
        assert sorted(names_of(store).agents) == ["first", "second"]
