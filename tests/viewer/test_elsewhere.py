"""The link to the same trace in Langfuse: there when Langfuse has the trace, and only then."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_trace.delivery.standing.state import DeliveryState
from agent_trace.store import Store
from agent_trace.viewer import elsewhere
from agent_trace.viewer.elsewhere import langfuse_url
from tests.support.segments import START_NS, record, write_segment

TRACE = f"{1:032x}"
END_NS = START_NS + 1_000_000


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    elsewhere._address.cache_clear()
    yield
    elsewhere._address.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / ".agent_trace"
    write_segment(directory, [record(id="1", end_ns=END_NS)])
    (tmp_path / ".env").write_text("LANGFUSE_BASE_URL=https://ann:secret@langfuse.example/base/\n")
    return directory


def delivered(
    directory: Path, *, since_ns: int = 0, accepted_at_ns: int | None = END_NS, held: bool = False
) -> None:
    """The delivery state of a store whose forwarder has spoken to Langfuse."""
    state = DeliveryState(directory)
    state.register("langfuse", since_ns)
    state.connection.execute("UPDATE consumers SET accepted_at_ns = ?", (accepted_at_ns,))
    if held:
        state.connection.execute("INSERT INTO held VALUES ('langfuse', ?, 's', 0, 1)", (TRACE,))
    state.close()


def url(directory: Path) -> str | None:
    with Store(directory) as store:
        return langfuse_url(directory, store.outline(TRACE).row)


def test_a_trace_that_was_delivered_is_linked_without_credentials(store: Path) -> None:
    delivered(store)
    assert url(store) == f"https://langfuse.example/base/trace/{TRACE}"


def test_without_delivery_there_is_no_link(store: Path) -> None:
    assert url(store) is None


def test_a_trace_from_before_delivery_is_not_there(store: Path) -> None:
    delivered(store, since_ns=START_NS + 1)
    assert url(store) is None


@pytest.mark.parametrize("accepted_at_ns", [None, END_NS - 1])
def test_what_langfuse_has_not_accepted_yet_is_not_there(store: Path, accepted_at_ns: int | None) -> None:
    delivered(store, accepted_at_ns=accepted_at_ns)
    assert url(store) is None


def test_what_sampling_holds_back_is_not_there(store: Path) -> None:
    delivered(store, held=True)
    assert url(store) is None


def test_an_address_that_is_no_website_is_not_linked(store: Path) -> None:
    delivered(store)
    (store.parent / ".env").write_text("LANGFUSE_BASE_URL=javascript:alert(1)//\n")
    assert url(store) is None


def test_a_damaged_delivery_state_costs_the_link_and_nothing_else(store: Path) -> None:
    delivered(store)
    (store / "delivery" / "state.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.Error):
        DeliveryState(store, create=False).connection.execute("SELECT 1 FROM consumers")
    assert url(store) is None
