"""Promises of lists and totals of a word that many observations say: nothing wrong, and no sum said to be whole that is not."""

import itertools
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.store import Filter, Store, Totals, TraceRow
from agent_trace.store.conditions import Narrowing, all_of, text_conditions
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import total_of

SECOND = 1_000_000_000
SAYINGS = ["rise", "fall", "rise fall", "fall, rise", "nothing", "RISING"]
TEXTS = [
    "rise",
    "fall",
    "ris*",
    "rise fall",
    '"rise fall"',
    "rise/fall",
    '"fall ris*',
    "absent",
    "rise absent",
    "?!",
]

CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "trace": st.integers(1, 8),
            "output": st.sampled_from(SAYINGS),
            "note": st.none() | st.none() | st.sampled_from(SAYINGS),
            "agent": st.sampled_from(["a", "b"]),
            "level": st.sampled_from(["DEFAULT", "DEFAULT", "ERROR"]),
            "start_s": st.integers(0, 20),
        }
    ),
    min_size=1,
    max_size=25,
)
FILTERS = st.fixed_dictionaries(
    {
        "text": st.sampled_from(TEXTS),
        "agent": st.none() | st.just("a"),
        "since_ns": st.none() | st.integers(0, 20).map(lambda after: START_NS + after * SECOND),
        "until_ns": st.none() | st.integers(0, 20).map(lambda after: START_NS + after * SECOND),
        "status": st.none() | st.just("error"),
    }
)


def lines_of(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = []
    for number, call in enumerate(calls, 1):
        ids = {"trace_id": f"{call['trace']:x}", "id": f"{number:x}"}
        start_ns = START_NS + call["start_s"] * SECOND
        lines.append(
            record(
                **ids,
                output=call["output"],
                agent_id=call["agent"],
                level=call["level"],
                start_ns=start_ns,
                model="gpt-4o",
                usage={"input": 10 * number},
            )
        )
        if call["note"] is not None:
            lines.append(record("amendment", **ids, metadata={"note": call["note"]}))
    return lines


def is_said(call: dict[str, Any], text: str) -> bool:
    """What the documentation of a search says, in other words than the store's."""
    own, note = call["output"].lower(), (call["note"] or "").lower()
    whole = f"{own}\n{note}".replace(",", " ").split()
    either = [set(each.replace(",", " ").split()) for each in (own, note)]
    beginnings = [any(word.startswith("ris") for word in words) for words in either]
    pairs = list(itertools.pairwise(whole))
    has_both = any({"rise", "fall"} <= words for words in either)
    return {
        "rise": any("rise" in words for words in either),
        "fall": any("fall" in words for words in either),
        "ris*": any(beginnings),
        "rise fall": has_both,
        '"rise fall"': has_both and ("rise", "fall") in pairs,
        "rise/fall": has_both and ("rise", "fall") in pairs,
        '"fall ris*': has_both_begun(either) and ("fall", "ris*") in pairs,
    }.get(text, False)


def has_both_begun(either: list[set[str]]) -> bool:
    # A star inside quotes is no star: the word has to be "ris" itself.
    return any({"fall", "ris"} <= words for words in either)


def traces_that_fit(calls: list[dict[str, Any]], where: dict[str, Any]) -> set[str]:
    fitting = set()
    for trace in {call["trace"] for call in calls}:
        within = [call for call in calls if call["trace"] == trace]
        start_ns = START_NS + min(call["start_s"] for call in within) * SECOND
        if (
            any(is_said(c, where["text"]) and where["agent"] in (None, c["agent"]) for c in within)
            and (where["since_ns"] is None or start_ns >= where["since_ns"])
            and (where["until_ns"] is None or start_ns < where["until_ns"])
            and (where["status"] is None or any(c["level"] == "ERROR" for c in within))
        ):
            fitting.add(f"{trace:032x}")
    return fitting


def as_common(patch: pytest.MonkeyPatch, most: int, most_looked_at: int) -> None:
    """Words count as common from the first few places on, and looks are small."""
    patch.setattr("agent_trace.store.said.MOST_PLACES", most)
    patch.setattr("agent_trace.store.said.MOST_READ", most)
    patch.setattr("agent_trace.store.walking._FIRST_LOOK", 1)
    patch.setattr("agent_trace.store.walking._LARGEST_LOOK", 4)
    patch.setattr("agent_trace.store.walking._LOOK_AT_ONCE", 3)
    patch.setattr("agent_trace.store.totals.MOST_LOOKED_AT", most_looked_at)
    patch.setattr("agent_trace.store.queries._MOST_LOOKED_AT", most_looked_at)


@settings(max_examples=60, deadline=None)
@given(
    CALLS,
    st.lists(FILTERS, min_size=3, max_size=3),
    st.integers(1, 3),
    st.integers(0, 4),
    st.sampled_from([0, 3, 30, 10**6]),
    st.sampled_from([0, 10**4]),
    st.randoms(use_true_random=False),
)
def test_a_list_has_every_trace_and_totals_are_those_of_the_newest_of_it(
    calls: list[dict[str, Any]],
    filters: list[dict[str, Any]],
    segments: int,
    most: int,
    most_looked_at: int,
    few: int,
    chance: random.Random,
) -> None:
    lines = lines_of(calls)
    chance.shuffle(lines)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        as_common(patch, most, most_looked_at)
        patch.setattr("agent_trace.store.planning.FEW", few)
        for number in range(segments):
            write_segment(Path(name), lines[number::segments], started_s=number)
        with Store(name) as store:
            for where in filters:
                compare(store, calls, where, is_whole=most_looked_at == 10**6)


def compare(store: Store, calls: list[dict[str, Any]], where: dict[str, Any], is_whole: bool) -> None:
    rows: list[TraceRow] = []
    while page := store.traces(Filter(**where), limit=2, before=rows[-1] if rows else None):
        rows += page
    fitting = traces_that_fit(calls, where)
    assert [row.trace_id for row in rows] == [
        row.trace_id for row in store.traces(limit=100) if row.trace_id in fitting
    ]
    assert paged(store, Filter(**where), limit=2) == rows
    totals = store.totals(Filter(**where))
    assert totals == total_of(rows[: totals.traces], totals.is_complete)
    if totals.is_complete or is_whole:
        assert totals == total_of(rows, is_complete=True)


def paged(store: Store, where: Filter, limit: int) -> list[TraceRow]:
    """All rows of the pages for somebody who waits; each page gets on, and is full when it says that it is whole."""
    rows: list[TraceRow] = []
    before: tuple[int, str] | None = None
    while True:
        page = store.trace_page(where, limit=limit, before_key=before)
        rows += page.rows
        assert page.is_complete or page.older is not None
        if page.older is None:
            return rows
        assert page.older != before and (len(page.rows) == limit or not page.is_complete)
        before = page.older


def common_store(directory: Path, traces: int) -> Store:
    """Two observations a trace, one of which says the word."""
    lines = []
    for number in range(traces):
        at_ns = START_NS + number * SECOND
        lines.append(
            record(trace_id=f"{number + 1:x}", id=f"{2 * number + 1:x}", output="rise", start_ns=at_ns)
        )
        lines.append(
            record(trace_id=f"{number + 1:x}", id=f"{2 * number + 2:x}", output="fall", start_ns=at_ns)
        )
    write_segment(directory, lines)
    return Store(directory)


def test_totals_of_a_common_word_stop_after_so_many_observations_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_common(monkeypatch, most=10, most_looked_at=40)
    with common_store(tmp_path, traces=100) as store:
        totals = store.totals(Filter(text="rise"))
        assert not totals.is_complete
        assert 20 <= totals.traces < 40
        assert totals.observations == 2 * totals.traces
        assert len(store.traces(Filter(text="rise"), limit=1000)) == 100
        # What begins and ends far back is looked at where it is.
        until_ns = START_NS + 10 * SECOND
        assert store.totals(Filter(text="rise", until_ns=until_ns)) == Totals(traces=10, observations=20)


def test_a_page_of_a_rare_phrase_of_common_words_ends_after_so_many_records_and_says_where_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_common(monkeypatch, most=5, most_looked_at=200)
    words = {3: "rise and fall", **dict.fromkeys(range(4, 60), "fall and rise")}
    write_segment(
        tmp_path,
        [record(trace_id=f"{n:x}", id=f"{n:x}", output=words[n], start_ns=START_NS + n) for n in words],
    )
    where = Filter(text='"rise and"')
    with Store(tmp_path) as store:
        first = store.trace_page(where, limit=5)
        assert (first.rows, first.is_complete) == ([], False)
        assert first.older is not None and START_NS + 40 < first.older[0] < START_NS + 60
        assert [row.trace_id for row in paged(store, where, limit=5)] == [f"{3:032x}"]


def test_the_same_text_asked_again_is_found_in_what_has_come_since_and_not_in_what_has_gone(
    tmp_path: Path,
) -> None:
    where = Filter(text="rise")
    first = write_segment(tmp_path, [record(output="rise")], started_s=1)
    with Store(tmp_path) as store:
        assert (len(store.traces(where)), store.totals(where).traces) == (1, 1)
        write_segment(tmp_path, [record(trace_id="2", id="2", output="rise")], started_s=2)
        assert (store.totals(where).traces, len(store.traces(where))) == (2, 2)
        first.unlink()
        assert (store.totals(where).traces, len(store.traces(where))) == (1, 1)


def test_totals_of_a_common_phrase_stop_after_so_many_records_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_common(monkeypatch, most=5, most_looked_at=200)
    write_segment(
        tmp_path,
        [
            record(trace_id=f"{n:x}", id=f"{n:x}", output="rise and fall", start_ns=START_NS + n)
            for n in range(1, 60)
        ],
    )
    with Store(tmp_path) as store:
        totals = store.totals(Filter(text='"rise and"'))
        assert 0 < totals.traces < 20 and not totals.is_complete
        assert store.totals(Filter(text='"and rise"')) == Totals(is_complete=False)
        assert store.traces(Filter(text='"and rise"')) == []
        assert len(store.search('"rise and"', limit=100)) == 59


def test_a_word_next_to_a_signal_that_many_gave_is_not_looked_up_among_all_signals(tmp_path: Path) -> None:
    write_segment(
        tmp_path,
        [
            record(trace_id=f"{n:x}", id=f"{n:x}", output="rise", signal={"action": "BUY"})
            for n in range(1, 40)
        ],
    )
    with Store(tmp_path) as store:
        where = Filter(text="rise", signal="buy")
        assert store.totals(where).traces == len(store.traces(where)) == 39
        conditions, values = text_conditions(Narrowing(Filter(signal="buy")))
        plan = store._index.connection.execute(
            f"EXPLAIN QUERY PLAN SELECT 1 FROM observations AS o WHERE {all_of(conditions)}", values
        ).fetchall()
        assert not any("signals_by_action" in step[-1] for step in plan)
