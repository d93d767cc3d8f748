"""Signals keep what the agent stated, and say on which scale its confidence lies."""

import enum
import json
import math
from decimal import Decimal
from typing import Any

import numpy
import pytest

from agent_trace.recording.reading.signals import read_signal
from tests.support import hostile


class Action(enum.Enum):
    BUY = "BUY"
    SELL = 2


def confidence_of(given: object) -> tuple[object, object, object]:
    signal, _ = read_signal("BUY", given)
    return signal.get("confidence"), signal.get("confidence_scale"), signal.get("confidence_percent")


@pytest.mark.parametrize(
    "action", ["BUY", "NOTHING", "HOLD", "OVERWEIGHT", "YES", "CLOSE_ALL", "DONT BUY", "kaufen 💶"]
)
def test_action_is_free_text(action: str) -> None:
    signal, tags = read_signal(action)
    assert signal == {"action": action}
    assert tags == [f"signal:{action}"]


def test_action_is_trimmed_and_its_tag_is_one_line() -> None:
    signal, tags = read_signal("  CLOSE \n ALL ")
    assert signal["action"] == "CLOSE \n ALL"
    assert tags == ["signal:CLOSE ALL"]


@pytest.mark.parametrize(
    ("action", "stated"), [(Action.BUY, "BUY"), (Action.SELL, "SELL"), (1, 1), (True, True)]
)
def test_action_of_another_type_is_stated_in_a_readable_form(action: object, stated: object) -> None:
    assert read_signal(action)[0]["action"] == stated


@pytest.mark.parametrize("action", [None, "", "   "])
def test_no_action_gives_no_tag(action: object) -> None:
    assert read_signal(action) == ({}, [])


@pytest.mark.parametrize(
    ("given", "kept", "scale", "percent"),
    [
        (0.85, 0.85, "0-1", 85),
        (0, 0, "0-1", 0),
        (0.0, 0.0, "0-1", 0),
        (1, 1, "0-1", 100),
        (1.0, 1.0, "0-1", 100),
        (1.5, 1.5, "0-100", 2),
        (85, 85, "0-100", 85),
        (100, 100, "0-100", 100),
        (-0.8, -0.8, "-1-1", 80),
        (-1, -1, "-1-1", 100),
        (752, 752, "nonsense", None),
        (-2, -2, "nonsense", None),
        (math.nan, "NaN", "nonsense", None),
        (math.inf, "Infinity", "nonsense", None),
        (True, True, "nonsense", None),
        (10**700, "<int of 2,326 bits>", "nonsense", None),
        ("85%", "85%", "0-100", 85),
        (" 85 percent ", "85 percent", "0-100", 85),
        ("0.5%", "0.5%", "0-100", 0),
        ("150%", "150%", "nonsense", None),
        ("0.85", "0.85", "0-1", 85),
        ("85", "85", "0-100", 85),
        ("-0.5", "-0.5", "-1-1", 50),
        ("8/10", "8/10", "0-10", 80),
        ("11/10", "11/10", "nonsense", None),
        ("1/0", "1/0", "nonsense", None),
        ("high", "high", "words", None),
        ("very high!", "very high!", "words", None),
        ("nan", "nan", "nonsense", None),
        ("???", "???", "nonsense", None),
        ("1e999", "1e999", "nonsense", None),
        (Decimal("0.85"), 0.85, "0-1", 85),
        (Decimal("NaN"), "NaN", "nonsense", None),
        (numpy.float64(0.85), 0.85, "0-1", 85),
        (numpy.int64(85), 85, "0-100", 85),
        (Action.BUY, "BUY", "words", None),
        ([0.5], [0.5], "nonsense", None),
    ],
)
def test_confidence_is_kept_as_given_and_its_scale_recognised(
    given: object, kept: object, scale: str, percent: int | None
) -> None:
    assert confidence_of(given) == (kept, scale, percent)


def test_confidence_is_a_tag_when_it_has_a_percentage() -> None:
    assert read_signal("BUY", 0.853)[1] == ["signal:BUY", "confidence:85"]
    assert read_signal("BUY", 752)[1] == ["signal:BUY"]


def test_absent_confidence_is_absent() -> None:
    assert confidence_of(None) == (None, None, None)


def test_everything_else_is_passed_on() -> None:
    signal, _ = read_signal("BUY", 1, "momentum", " BTC/USDT ", {"stop_loss": 5, "action": "mine"})
    assert signal["reasoning"] == "momentum"
    assert signal["symbol"] == "BTC/USDT"
    assert signal["stop_loss"] == 5
    assert signal["action"] == "BUY"
    assert signal["action_given"] == "mine"


@pytest.mark.parametrize("number", range(len(hostile.everything())))
def test_hostile_signal_does_not_raise(number: int) -> None:
    value: Any = hostile.everything()[number]
    signal, tags = read_signal(value, value, None, value)
    json.dumps([signal, tags])
    assert all(len(tag) < 250 for tag in tags)
