"""Promises of lists and totals by what only the rows of traces tell: they are those of every trace, however rows are read."""

import itertools
import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from agent_trace.store import Filter, Store, TraceRow, stretches, totals
from agent_trace.store.totals import totals_of
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import total_of

SECOND = 1_000_000_000
TRACES = 40


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    chance = random.Random(4)
    made = [
        record(
            trace_id=f"{number:x}",
            id=f"{number:x}",
            # Several start at one moment.
            start_ns=(start_ns := START_NS + chance.randint(0, 15) * SECOND),
            end_ns=start_ns + chance.randint(0, 4) * SECOND,
            level=chance.choice(["DEFAULT", "DEFAULT", "ERROR"]),
            cost=chance.choice([None, {"total": 0.5}, {"total": 2}, {"total": 1e-7}]),
            agent_id=chance.choice(["a", "b"]),
        )
        for number in range(1, TRACES + 1)
    ]
    directory = tmp_path_factory.mktemp("store")
    write_segment(directory, made)
    return Store(directory)


FILTERS = [
    Filter(
        since_ns=None if since is None else START_NS + since * SECOND,
        until_ns=None if until is None else START_NS + until * SECOND,
        min_cost=None if cost is None else Decimal(cost),
        min_duration_s=duration,
        status=status,  # type: ignore[arg-type]
        agent=agent,
    )
    for since, until, cost, duration, status, agent in itertools.product(
        (None, 0, 9), (None, 3, 14), (None, "0.4", "50"), (None, 3, 60), (None, "ok", "error"), (None, "a")
    )
]


def fits(where: Filter) -> Callable[[TraceRow], bool]:
    """What the guide says of each part, asked of a row that was listed without it."""

    def asked(row: TraceRow) -> bool:
        return (
            (where.since_ns is None or row.start_ns >= where.since_ns)
            and (where.until_ns is None or row.start_ns < where.until_ns)
            and (where.min_cost is None or (row.cost or 0) >= where.min_cost)
            and (where.min_duration_s is None or (row.duration_ns or 0) >= where.min_duration_s * SECOND)
            and where.status in (None, row.status)
            and where.agent in (None, *row.agents)
        )

    return asked


@pytest.mark.parametrize("newest", [0, 1, 5, TRACES, 5_000])
def test_every_trace_that_fits_is_listed_once_and_in_order_and_summed_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    monkeypatch.setattr(stretches, "NEWEST", newest)
    everything = store.traces(limit=100)
    assert len(everything) == TRACES
    for where in FILTERS:
        fitting = list(filter(fits(where), everything))
        rows: list[TraceRow] = []
        while page := store.traces(where, limit=3, before=rows[-1] if rows else None, refresh=False):
            assert len(page) <= 3
            rows += page
        assert rows == fitting, where
        assert store.trace_page(where, limit=4).rows == fitting[:4]
        assert store.totals(where, refresh=False) == total_of(fitting) == totals_of(fitting), where


def sources(store: Store, where: Filter, limit: int = 50) -> str:
    asked: list[str] = []
    connection = store._index.connection
    connection.set_trace_callback(asked.append)
    store.traces(where, limit=limit, refresh=False)
    store.totals(where, refresh=False)
    connection.set_trace_callback(None)
    return "\n".join(asked)


def test_rows_are_read_as_they_lie_where_most_of_them_have_to_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretches, "NEWEST", 5)
    rarely = Filter(min_duration_s=60)
    assert sources(store, rarely).count("NOT INDEXED") == 2
    # Few are of so short a time, or failed; and what has to be looked into had better not all be put in order.
    short = Filter(min_duration_s=60, since_ns=START_NS + 15 * SECOND)
    for where in (short, Filter(min_duration_s=60, status="error")):
        assert "NOT INDEXED" not in sources(store, where)
    listed = sources(store, Filter(min_duration_s=0, agent="a"))
    assert "NOT INDEXED WHERE t.start_ns" not in listed
    # Many fit: a page is full before the rest is asked about.
    assert "NOT INDEXED WHERE t.start_ns" not in sources(store, Filter(min_duration_s=0), limit=3)


@pytest.mark.parametrize("most", [3, 10, 39, 40])
def test_of_too_many_traces_the_newest_are_summed_up_and_it_is_said(
    store: Store, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(totals, "_MOST_ROWS", most)
    everything = store.traces(limit=100)
    for status in (None, "ok", "error"):
        looked_at = [row for row in everything if status in (None, row.status)]
        where = Filter(min_duration_s=3, status=status)  # type: ignore[arg-type]
        fitting = list(filter(fits(where), looked_at[:most]))
        assert store.totals(where, refresh=False) == total_of(fitting, len(looked_at) <= most)


def test_of_no_traces_the_totals_are_nothing() -> None:
    assert totals_of([]) == total_of([])
