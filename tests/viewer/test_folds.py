"""Closing parts of a tree, and how a URL says what is closed."""

import pytest

from agent_trace.store.overviews import Entry
from agent_trace.viewer.folds import Folds, with_ancestors


def entry(id: str, depth: int, has_children: bool = False) -> Entry:
    return Entry(
        depth,
        id,
        None,
        "span",
        id,
        0,
        1,
        "DEFAULT",
        "finished",
        None,
        None,
        None,
        False,
        None,
        None,
        has_children,
    )


TREE = [entry("r", 0, True), entry("a", 1, True), entry("a1", 2), entry("b", 1, True), entry("b1", 2, True), entry("b2", 3), entry("c", 1)]  # fmt: skip


def listed(closed: str) -> str:
    return " ".join(TREE[place].id for place in Folds.read(closed).listed(TREE))


@pytest.mark.parametrize(
    ("closed", "shown"),
    [
        ("", "r a a1 b b1 b2 c"),
        ("a", "r a b b1 b2 c"),
        ("a.b", "r a b c"),
        ("b.b1", "r a a1 b c"),
        ("r", "r"),
        ("all", "r a b c"),
        ("all.b", "r a b b1 c"),
        ("c", "r a a1 b b1 b2 c"),
        ("nothing.there", "r a a1 b b1 b2 c"),
    ],
)
def test_what_lies_below_a_closed_observation_is_not_listed(closed: str, shown: str) -> None:
    assert listed(closed) == shown


@pytest.mark.parametrize("closed", ["", "a", "a.b", "all", "all.b"])
def test_closing_and_opening_again_gives_the_same_url(closed: str) -> None:
    folds = Folds.read(closed)
    assert str(folds) == closed
    assert str(folds.toggled("b1").toggled("b1")) == closed
    assert folds.toggled("b1").closes(TREE[4]) != folds.closes(TREE[4])


def test_what_was_found_is_listed_with_what_it_lies_in() -> None:
    assert [TREE[place].id for place in with_ancestors(TREE, frozenset({"b2", "c"}))] == [
        "r",
        "b",
        "b1",
        "b2",
        "c",
    ]
