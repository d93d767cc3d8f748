"""No value makes `capture` raise, and the user's own exceptions pass: by example, and for anything Hypothesis finds."""

import datetime
import decimal
import json
import sys
from typing import Any, NoReturn

import orjson
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_trace.recording import guard
from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.capturing.quick import write_quickly
from agent_trace.recording.capturing.walk import _Walker
from tests.support import hostile

LIMITS = Limits()
SLACK_BYTES = 8_192


@pytest.mark.parametrize("number", range(len(hostile.everything())))
def test_hostile_value_gives_valid_json_wherever_it_sits(number: int) -> None:
    value = hostile.everything()[number]  # not a parameter itself: pytest looks at those
    for around in (value, [value], {"argument": value}, {"a": [{"b": (value, "kept")}]}):
        encoded, _ = capture(around, LIMITS, "input")
        json.loads(encoded)
    assert b"kept" in encoded


def test_failing_repr_is_marked_with_what_failed() -> None:
    assert json.loads(capture(hostile.BadRepr(), LIMITS, "input")[0]) == (
        "<tests.support.hostile.BadRepr: repr failed with ValueError>"
    )
    assert "RecursionError" in capture(hostile.ReprRecurses(), LIMITS, "input")[0].decode()
    assert "TypeError" in capture(hostile.ReprReturnsNumber(), LIMITS, "input")[0].decode()


def test_failures_of_foreign_code_are_counted() -> None:
    before = guard.failures.get("the repr of a captured value", 0)
    capture([hostile.BadRepr()], LIMITS, "input")
    assert guard.failures["the repr of a captured value"] > before


def test_subclasses_of_builtins_are_read_as_what_they_hold() -> None:
    value = [hostile.HostileDict(a=1), hostile.NonsenseLength([1, 2]), hostile.HostileText("text")]
    assert json.loads(capture(value, LIMITS, "input")[0]) == [{"a": 1}, [1, 2], "text"]


def test_exception_without_a_message_keeps_its_type() -> None:
    shown = json.loads(capture(hostile.StrFails(), LIMITS, "input")[0])
    assert shown["type"].endswith("StrFails")


def test_interrupt_in_a_foreign_repr_belongs_to_the_user() -> None:
    class Interrupting:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture([Interrupting()], LIMITS, "input")


def test_capture_near_the_recursion_limit_does_not_raise() -> None:
    value = {"a": [hostile.Order("BTC", 1.0, parent=hostile.Order("ETH", 2.0))], 1: hostile.BadRepr()}

    def dive(left: int) -> list[bytes]:
        found = [capture(value, LIMITS, "input")[0]]
        return found if left == 0 else found + dive(left - 1)

    depth = 0
    frame: Any = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    room = sys.getrecursionlimit() - depth
    for encoded in dive(room - 60):
        json.loads(encoded)


def test_recursion_limit_reached_by_capture_itself_is_contained() -> None:
    outcomes: list[bytes] = []

    def dive() -> None:
        try:
            dive()
        except RecursionError:
            if len(outcomes) < 50:
                outcomes.append(capture({1: [hostile.BadRepr()]}, LIMITS, "input")[0])
            raise

    with pytest.raises(RecursionError):
        dive()
    for encoded in outcomes:
        json.loads(encoded)


def test_containing_a_failure_may_fail_itself_near_the_recursion_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_frame_left(work: str, error: Exception) -> NoReturn:
        raise RecursionError

    monkeypatch.setattr(guard, "note_failure", no_frame_left)
    assert capture(hostile.BadRepr(), LIMITS, "input") == (
        b'"<not captured: the recursion limit was near>"',
        None,
    )


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**60, max_value=2**80)
    | st.floats()
    | st.text()
    | st.characters(categories=("Cs",))
    | st.binary(max_size=50)
    | st.datetimes()
    | st.decimals()
    | st.uuids()
    | st.complex_numbers()
    | st.integers(0, len(hostile.for_hypothesis()) - 1).map(lambda number: hostile.for_hypothesis()[number])
)
KEYS = (
    st.text() | st.integers() | st.none() | st.floats() | st.tuples(st.text(), st.integers()) | st.booleans()
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=12)
        | st.dictionaries(KEYS, inner, max_size=8)
        | st.tuples(inner, inner)
        | st.frozensets(st.text() | st.integers(), max_size=5)
        | st.builds(hostile.Order, st.text(), st.floats(), st.text(), inner)
        | st.builds(hostile.HostileDict, st.dictionaries(KEYS, inner, max_size=4))
        | st.lists(inner, min_size=1, max_size=2).map(lambda few: few * 40)
    )


ANYTHING = st.recursive(SCALARS, containers, max_leaves=25)
BOUNDS = st.builds(
    Limits,
    st.sampled_from([0, 1, 64, 200, 1_000, 20_000, 1_048_576]),
    st.sampled_from([1, 3, 10, 100, 20_000]),
    st.sampled_from([1, 2, 5, 32]),
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def nodes_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(nodes_of, value.values()))
    return 1 + sum(map(nodes_of, value)) if isinstance(value, list) else 1


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=ANYTHING, limits=BOUNDS)
def test_any_value_gives_valid_json_within_bounds(value: object, limits: Limits) -> None:
    encoded, cuts = capture(value, limits, "input")
    assert len(encoded) <= limits.max_bytes + SLACK_BYTES
    decoded = json.loads(encoded.decode("utf-8"))
    assert depth_of(decoded) <= limits.max_depth
    # Markers are nodes, too: at most one for each level that was begun, and one for each list kept whole or not.
    assert nodes_of(decoded) <= limits.max_nodes * 2 + 3 * limits.max_depth + 8
    for cut in cuts or []:
        assert cut["path"].startswith("input")
        assert 0 <= cut["kept"] <= cut["of"] or cut["unit"] == "characters"
    json.dumps(cuts).encode()


class Model(pydantic.BaseModel):
    part: Any
    other: Any = None


FAMILIAR = st.recursive(
    SCALARS,
    lambda inner: (
        containers(inner)
        | st.builds(Model, part=inner)
        | st.sets(st.integers())
        | st.dates()
        | st.timedeltas()
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(FAMILIAR)
def test_what_the_quick_way_writes_the_careful_way_writes_alike(value: object) -> None:
    quick = write_quickly(value, LIMITS)
    if quick is not None:
        careful = _Walker(LIMITS, "input", None, cutting=False)
        assert quick == careful.write(value)
        assert careful.cuts == []


def test_quick_way_is_taken_for_models_dates_and_tuples() -> None:
    value = {
        "a": [Model(part=datetime.date(2026, 1, 1)), hostile.Order("BTC", 1.0)],
        "b": ({1}, decimal.Decimal(1)),
    }
    assert write_quickly(value, LIMITS) is not None


def test_interrupt_while_a_form_is_taken_belongs_to_the_user() -> None:
    class Interrupting(datetime.date):
        pressed = 0

        def isoformat(self) -> str:
            type(self).pressed += 1
            if self.pressed == 1:
                raise KeyboardInterrupt
            return "later"

    with pytest.raises(KeyboardInterrupt):
        capture({"day": Interrupting(2026, 1, 1)}, LIMITS, "input")


def test_fragment_of_another_library_is_not_trusted_to_be_json() -> None:
    json.loads(capture([orjson.Fragment(b"{not json"), {"a": orjson.Fragment("]")}], LIMITS, "input")[0])


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=60) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner),
    max_leaves=40,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_any_json_value_comes_back_equal_from_either_way(value: object) -> None:
    assert json.loads(capture(value, LIMITS, "input")[0]) == value
    assert json.loads(capture([value, object()], LIMITS, "input")[0])[0] == value
