"""Where on the time axis of a trace an observation lies, and which times are written along it."""

import pytest

from agent_trace.display.waterfall import Axis

S = 1_000_000_000


def test_a_bar_lies_where_its_observation_does() -> None:
    assert Axis(1000, 2000).place(1250, 1750) == (25.0, 50.0)


def test_a_bar_without_an_end_reaches_to_the_end_of_the_axis() -> None:
    assert Axis(1000, 2000).place(1900, None) == (90.0, 10.0)


@pytest.mark.parametrize(("start_ns", "end_ns"), [(0, 5000), (1500, 1400), (3000, 4000), (-5, -1)])
def test_no_bar_reaches_beyond_the_axis(start_ns: int, end_ns: int) -> None:
    x, width = Axis(1000, 2000).place(start_ns, end_ns)
    assert 0 <= x <= x + width <= 100


def test_a_trace_without_duration_has_an_axis() -> None:
    assert Axis(7, 7).place(7, 7) == (0.0, 0.0)
    assert next(tick.label for tick in Axis(7, 7).ticks()) == "0"


@pytest.mark.parametrize(
    ("span_ns", "labels"),
    [
        (339_000_000, ["0", "100 ms", "200 ms", ""]),
        (1 * S, ["0", "200 ms", "400 ms", "600 ms", "", ""]),
        (47 * S, ["0", "10.0 s", "20.0 s", "30.0 s", ""]),
        (600 * S, ["0", "2 min 00 s", "4 min 00 s", "6 min 00 s", "", ""]),
        (5 * 86_400 * S, ["0", "1 d 00 h", "2 d 00 h", "3 d 00 h", "", ""]),
    ],
)
def test_times_along_the_axis_are_round(span_ns: int, labels: list[str]) -> None:
    assert [tick.label for tick in Axis(0, span_ns).ticks()] == labels


@pytest.mark.parametrize("span_ns", [0, 1, 999, 10**6, 10**12, 10**15, 10**18])
def test_there_are_a_few_times_along_any_axis(span_ns: int) -> None:
    assert 1 <= len(Axis(0, span_ns).ticks()) <= 6
