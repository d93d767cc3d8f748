import time
from datetime import datetime
from decimal import Decimal

import pytest

from agent_trace.display.moments import dollars, duration_s, moment_ns, seconds, size_bytes

NOW = datetime.fromisoformat("2026-03-29T12:00:00+00:00")


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", "2026-03-29T10:00:00+00:00"),
        ("3d", "2026-03-26T12:00:00+00:00"),
        ("30m ago", "2026-03-29T11:30:00+00:00"),
        ("now", "2026-03-29T12:00:00+00:00"),
        ("today", "2026-03-29T00:00:00+01:00"),
        ("Yesterday", "2026-03-28T00:00:00+01:00"),
        ("2026-03-30", "2026-03-30T00:00:00+02:00"),
        ("2026-01-02T09:30", "2026-01-02T09:30:00+01:00"),
        ("2026-01-02T09:30:00Z", "2026-01-02T09:30:00+00:00"),
    ],
)
def test_times_are_read_in_the_users_zone_also_on_the_day_clocks_change(text, moment):
    assert moment_ns(text, NOW) == at(moment)


@pytest.mark.parametrize("text", ["soon", "", "2 fortnights", "2026-13-01", "99999999999999999d"])
def test_a_time_that_cannot_be_read_says_what_would_do(text):
    with pytest.raises(ValueError, match="say 2h"):
        moment_ns(text, NOW)


def test_spans_and_sizes_have_units():
    assert [seconds(text) for text in ("30s", "1.5m", "2h", "1w")] == [30, 90, 7200, 604_800]
    assert [size_bytes(text) for text in ("512", "1KiB", "1k", "1kB", "1.5GiB")] == [
        512,
        1024,
        1024,
        1000,
        3 << 29,
    ]
    for nonsense in ("GiB", "-1", "1 parsec"):
        with pytest.raises(ValueError, match="say 500MiB"):
            size_bytes(nonsense)


def test_durations_may_be_bare_seconds_or_milliseconds():
    assert [duration_s(text) for text in ("2", "1.5s", "500ms", " 3m ")] == [2, 1.5, 0.5, 180]
    with pytest.raises(ValueError, match="say 30s"):
        duration_s("long")


def test_money_may_have_its_sign_and_no_other_nonsense():
    assert [dollars(text) for text in ("0.05", "$12", " 1e2 ")] == [Decimal("0.05"), 12, 100]
    for nonsense in ("cheap", "-1", "nan", "inf", "", "0,05"):
        with pytest.raises(ValueError, match=r"say 0\.05"):
            dollars(nonsense)
