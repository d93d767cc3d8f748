"""Promises of a search inside one trace: whatever stands in a value is found, whatever does not is not, in tree order."""

import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.observation import Observation
from agent_trace.store import Filter, Store
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import store_of

TRACE = "1".rjust(32, "0")
PIECES = [
    "rise",
    "RISE",
    "fall",
    "true",
    "null",
    "e",
    "n",
    "\n",
    "\t",
    "\\",
    '"',
    ":",
    ",",
    "/",
    "{",
    "ß",
    "SS",
    "é",
    "É",
]
PIECES += [
    "K",
    "ſ",
    "İ",
    "5",
    "0.25",
    "1e-7",
    " ",
    "\x1b",
    "強い",
    "😀",
    "kind",
    "observation",
    "ue",
    "\\n",
    "u00",
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
LEAF = TEXT | st.sampled_from([None, True, False, 5, 4711, 0.25, -0.5])
VALUE = st.recursive(
    LEAF, lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3), max_leaves=6
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "output": VALUE,
            "note": st.none() | st.none() | TEXT,
            "parent": st.none() | st.integers(1, 6),
            "level": st.sampled_from(["DEFAULT", "ERROR"]),
            "gap": st.sampled_from([0, 0, 50]),
            "is_ours": st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)


def is_in(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(is_in(each, text) for each in value.values())
    if isinstance(value, list):
        return any(is_in(each, text) for each in value)
    if value is None or isinstance(value, bool):
        return False
    return text in str(value).casefold()


def lines_of(calls: list[dict[str, Any]]) -> list[bytes | dict[str, Any]]:
    """The records as we write them, or with every letter outside ASCII escaped, and others between them."""
    lines: list[bytes | dict[str, Any]] = []
    for number, call in enumerate(calls, 1):
        parent = None if call["parent"] is None else f"{call['parent']:x}"
        made = record(
            id=f"{number:x}",
            parent_id=parent,
            output=call["output"],
            level=call["level"],
            start_ns=START_NS + number,
        )
        lines.append(orjson.dumps(made) + b"\n" if call["is_ours"] else made)
        if call["gap"]:
            lines.append(record(trace_id="2", id=f"{100 + number:x}", output="rise " * call["gap"]))
        if call["note"] is not None:
            lines.append(record("amendment", id=f"{number:x}", metadata={"rise": call["note"]}))
    return lines


TEXTS = st.lists(
    TEXT | st.sampled_from(["default", "erro", "finish", "wor", "1", "00", "name"]), min_size=6, max_size=6
)


@settings(max_examples=50, deadline=None)
@given(CALLS, TEXTS, st.sampled_from([0, 64]))
def test_what_is_found_is_what_stands_in_values(
    calls: list[dict[str, Any]], texts: list[str], gap_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr("agent_trace.store.finding._GAP", gap_bytes)
        write_segment(Path(name), lines_of(calls))
        with Store(name) as store:
            order = [entry.id for entry in store.outline(TRACE).entries]
            told = {each.id: told_of(each) for each in store.observations(Filter(trace_id=TRACE))}
            for text in texts:
                expected = [id for id in order if text and is_in(told[id], text.casefold())]
                assert store.find_in_trace(TRACE, text) == expected


def told_of(observation: Observation) -> list[Any]:
    """All that is said of an observation; the cost was not recorded, the store worked it out."""
    record = observation.to_record()
    values = [value for key, value in record.items() if key not in ("v", "kind", "cost")]
    return [*values, observation.level.lower(), "finished"]


def test_names_of_fields_are_not_what_was_said(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        orjson.dumps(record(id="a", input={"momentum": "is weak"}, metadata={"a": True, "b": None})) + b"\n",
        orjson.dumps(record(id="b", output='the "momentum": strong', parent_id="a")) + b"\n",
    )
    found = {text: [id[-1] for id in store.find_in_trace(TRACE, text)] for text in SOUGHT}
    assert found == SOUGHT


SOUGHT: dict[str, list[str]] = {
    "momentum": ["b"],
    "MOMENTUM": ["b"],
    "entum": ["b"],
    "weak": ["a"],
    'momentum": s': ["b"],
    "input": [],
    "observation": [],
    "true": [],
    "null": [],
    "work": ["a", "b"],
    "default": ["a", "b"],
    "": [],
    "\n": [],
    "\ud800": [],
}


def test_letters_that_only_spell_an_escape_are_not_text(tmp_path: Path) -> None:
    store = store_of(tmp_path, orjson.dumps(record(id="a", output="weak\nmomentum C:\\new")) + b"\n")
    assert store.find_in_trace(TRACE, "nmom") == []
    assert store.find_in_trace(TRACE, "k\nmom") != []
    assert store.find_in_trace(TRACE, "new") != []
    assert store.find_in_trace(TRACE, ":\\new") != []


def test_an_observation_that_was_opened_is_found_by_how_it_stands(tmp_path: Path) -> None:
    store = store_of(tmp_path, record("opened", id="a", name="desk"), record(id="b", parent_id="a"))
    assert [id[-1] for id in store.find_in_trace(TRACE, "interrupted")] == ["a"]
    assert [id[-1] for id in store.find_in_trace(TRACE, "desk")] == ["a"]


def test_a_part_of_a_journal_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    first = write_segment(tmp_path, [record(id="a", output="rise")])
    write_segment(tmp_path, [record(id="b", output="rise")], started_s=1)
    with Store(tmp_path) as store:
        store.refresh()
        first.unlink()
        assert [id[-1] for id in store.find_in_trace(TRACE, "rise", refresh=False)] == ["b"]


def test_an_outline_cuts_circles_where_the_trace_cuts_them(tmp_path: Path) -> None:
    parents = {"a": "c", "b": "c", "c": "d", "d": "b", "e": "e", "f": "a"}
    store = store_of(
        tmp_path,
        *[
            record(id=id, parent_id=parent, start_ns=START_NS + place)
            for place, (id, parent) in enumerate(parents.items())
        ],
    )
    outline = [(entry.depth, entry.id, entry.has_children) for entry in store.outline(TRACE).entries]
    walked = [(depth, node.observation.id, bool(node.children)) for depth, node in store.trace(TRACE).walk()]
    assert outline == walked
    assert len(outline) == 6
