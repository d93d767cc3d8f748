"""What a consumer has got is written down all or not at all, readable by anybody at any time."""

import sqlite3
from pathlib import Path

import pytest

from agent_trace.delivery.standing.done import DoneList
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.delivery.standing.schema import STEPS, is_damage
from agent_trace.delivery.standing.state import Advance, DeliveryState, StateChanged
from agent_trace.errors import StoreError, StoreTooNew
from tests.support.backends import MemoryBackend, forward, forwarder_of
from tests.support.segments import record, write_segment


def test_commits_add_up_and_a_position_never_goes_back(tmp_path: Path) -> None:
    state = DeliveryState(tmp_path)
    state.register("langfuse", 5)
    for position, count in ((3000, 2), (2000, 1)):
        state.commit("langfuse", 0, {"a": Advance(position, start=1024, counts={"delivered": count})})
    state.commit("langfuse", 0, {"a": Advance(counts={"delivered": -1, "dead": 1})})
    offset = state.offsets("langfuse")["a"]
    assert (offset.position, offset.start, offset.finished) == (3000, 1024, False)
    assert {name: count for name, count in offset.counts.items() if count} == {"delivered": 2, "dead": 1}


def test_a_commit_that_fails_leaves_nothing(tmp_path: Path) -> None:
    state = DeliveryState(tmp_path)
    state.register("langfuse", 5)
    with pytest.raises(sqlite3.OperationalError):
        state.commit("langfuse", 0, {"a": Advance(3000)}, [("INSERT INTO nowhere VALUES (1)", ())])
    assert state.offsets("langfuse") == {}


def test_whoever_forwards_notices_what_others_changed(tmp_path: Path) -> None:
    mine, other = DeliveryState(tmp_path), DeliveryState(tmp_path)
    mine.register("langfuse", 5)
    other.extend("langfuse", 3)
    with pytest.raises(StateChanged):
        mine.commit("langfuse", 0, {"a": Advance(3000)})
    assert mine.offsets("langfuse") == {}
    mine.commit("langfuse", mine.generation("langfuse"), {"a": Advance(3000)})


def test_the_state_is_read_while_it_is_written_to(tmp_path: Path) -> None:
    state = DeliveryState(tmp_path)
    state.register("langfuse", 5)
    state.connection.execute("BEGIN IMMEDIATE")
    state.connection.execute("UPDATE consumers SET since_ns = 9")
    assert [ledger.since_ns for ledger in delivery_ledgers(tmp_path)] == [5]
    state.connection.execute("COMMIT")
    assert [ledger.since_ns for ledger in delivery_ledgers(tmp_path)] == [9]


def test_a_state_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1")])
    state = DeliveryState(tmp_path)
    state.connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    state.close()
    with pytest.raises(StoreTooNew, match="upgrade"):
        delivery_ledgers(tmp_path)
    backend, told = MemoryBackend(), []
    outcome = forwarder_of(tmp_path, backend, report=told.append).run_once()
    assert (outcome.delivered, backend.attempts, len(told)) == (False, 0, 1)


def test_damage_is_told_apart_from_a_busy_or_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(sqlite3.DatabaseError) as damaged:
        sqlite3.connect(path).execute("SELECT * FROM sqlite_master")
    assert is_damage(damaged.value)
    good = tmp_path / "y.sqlite"
    one, two = (sqlite3.connect(good, timeout=0, isolation_level=None) for _ in range(2))
    one.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as busy:
        two.execute("CREATE TABLE x (y)")
    assert not is_damage(busy.value)
    one.execute("COMMIT")
    one.execute("PRAGMA max_page_count = 1")
    with pytest.raises(sqlite3.OperationalError) as full:
        one.execute("CREATE TABLE x (y)")
    assert not is_damage(full.value)


def test_the_ledger_of_a_damaged_state_says_so(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1")])
    forward(tmp_path, MemoryBackend()).close()
    (tmp_path / "delivery" / "state.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(StoreError, match="starts it over"):
        delivery_ledgers(tmp_path)


def test_the_list_of_what_is_done_remembers_when_the_consumer_was_registered(tmp_path: Path) -> None:
    done = DoneList(tmp_path, "langfuse")
    assert (done.since_ns(), done.names()) == (None, set())
    done.write(17, ["b", "a"])
    done.add(["c"])
    assert (done.since_ns(), done.names()) == (17, {"a", "b", "c"})
    done.path.write_text("# since_ns soon\na\n")
    assert (done.since_ns(), done.names()) == (None, {"a"})
