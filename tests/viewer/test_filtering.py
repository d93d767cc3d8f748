"""A URL as a filter: what people type is understood, and what cannot be is named with what would do."""

from decimal import Decimal
from pathlib import Path

import pytest

from agent_trace.store.filter import Filter
from agent_trace.viewer.cursors import cursor, key_of
from agent_trace.viewer.filtering import PARTS, asked, filter_of
from agent_trace.viewer.page import BadQuestion


def test_every_field_of_a_filter_can_be_asked_for_in_a_url() -> None:
    by_url = {part.field for part in PARTS}
    assert set(Filter.__dataclass_fields__) - by_url == {"trace_id"}  # which has a URL of its own


def test_what_people_type_is_read() -> None:
    typed = {"agent": " risk ", "level": "error", "type": "Agent", "status": "Running", "min_cost": "$0.05"}
    assert filter_of({**typed, "min_duration": "500ms", "q": "momentum AAPL"}) == Filter(
        agent="risk",
        level="ERROR",
        type="agent",
        status="running",
        min_cost=Decimal("0.05"),
        min_duration_s=0.5,
        text="momentum AAPL",
    )


def test_times_are_read_as_on_the_command_line() -> None:
    where = filter_of({"since": "1970-01-01T00:00:02+00:00", "until": "1970-01-01T00:00:03Z"})
    assert (where.since_ns, where.until_ns) == (2_000_000_000, 3_000_000_000)


def test_blank_fields_of_a_form_do_not_filter() -> None:
    blank = {part.name: " " for part in PARTS}
    assert (filter_of(blank), asked(blank)) == (Filter(), {})


def test_what_does_not_filter_is_left_alone() -> None:
    assert filter_of({"before": "1-a", "by": "day", "agent_id": "x"}) == Filter()


@pytest.mark.parametrize(
    ("part", "value", "what_would_do"),
    [
        ("since", "soon", "2026-11-22"),
        ("until", "31/12/2026", "yesterday"),
        ("status", "fine", "interrupted"),
        ("level", "INFO", "WARNING"),
        ("type", "llm", "generation"),
        ("min_cost", "cheap", "0.05"),
        ("min_cost", "-1", "0.05"),
        ("min_duration", "long", "30s"),
        ("min_duration", "9" * 30, "range"),
        ("min_cost", "1e300", "range"),
        ("since", "9999-01-01", "range"),
        ("q", "a*", "two letters"),
        ("q", "x*", "x* fits too much"),
    ],
)
def test_what_cannot_be_asked_is_named_with_what_would_do(part: str, value: str, what_would_do: str) -> None:
    with pytest.raises(BadQuestion) as refused:
        filter_of({part: value})
    assert part in str(refused.value) and value in str(refused.value) and what_would_do in str(refused.value)


def test_a_cursor_is_read_back() -> None:
    assert key_of(cursor(1_763_800_000_000_000_000, "4f" * 16)) == (1_763_800_000_000_000_000, "4f" * 16)
    assert key_of(cursor(7, "a session-with ünicode")) == (7, "a session-with ünicode")
    assert key_of("") is None and key_of(None) is None


@pytest.mark.parametrize("text", ["x", "-", "12", "-5-a", "9" * 19 + "-a", "9" * 40 + "-a", "١-a"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadQuestion, match="no place in this list"):
        key_of(text)


def test_the_guide_knows_every_part_of_a_url() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "ui.md").read_text(encoding="utf-8")
    assert [part.name for part in PARTS if f"`{part.name}`" not in guide] == []
