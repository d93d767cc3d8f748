from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent_trace.display import figures


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (None, "—"),
        (0, "0 µs"),
        (850_000, "850 µs"),
        (1_500_000, "1.5 ms"),
        (580_000_000, "580 ms"),
        (999_600_000, "1.0 s"),
        (1_240_000_000, "1.2 s"),
        (59_960_000_000, "1 min 00 s"),
        (125_000_000_000, "2 min 05 s"),
        (11_220_000_000_000, "3 h 07 min"),
        (187_200_000_000_000, "2 d 04 h"),
        (-5_000_000, "-5.0 ms"),
    ],
)
def test_duration_has_the_unit_that_fits(nanoseconds, text):
    assert figures.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "—"),
        (0, "0"),
        (999, "999"),
        (3_420, "3.4 k"),
        (12_000, "12 k"),
        (999_700, "1.0 M"),
        (1_200_000, "1.2 M"),
    ],
)
def test_count_is_short(number, text):
    assert figures.count(number) == text


@pytest.mark.parametrize(
    ("amount", "unpriced", "text"),
    [
        (None, 0, "—"),
        (None, 2, "?"),
        (Decimal("0.0123"), 0, "$0.0123"),
        (Decimal("0.0123"), 1, "$0.0123+?"),
        (Decimal("0.0000453"), 0, "$0.000045"),
        (Decimal("1E-9"), 0, "$0.0000000010"),
        (Decimal("12.3"), 0, "$12.30"),
        (Decimal("1234567"), 0, "$1,234,567.00"),
        (Decimal("-0.5"), 0, "-$0.5000"),
        (Decimal(0), 0, "$0"),
    ],
)
def test_money_is_exact_enough_and_unknown_is_never_zero(amount, unpriced, text):
    assert figures.money(amount, unpriced) == text


def test_size_counts_in_1024():
    assert [figures.size(n) for n in (0, 1023, 1536, 8 << 20, 5 << 30)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "8.0 MiB",
        "5.0 GiB",
    ]


def test_cached_tokens_went_in_and_reasoning_came_out():
    assert figures.tokens({"input": 200, "cache_read": 1000, "output": 40, "reasoning": 8}) == "1.2 k → 48"
    assert figures.tokens(None) == "—"


def ns(*moment: int) -> int:
    return int(datetime(*moment).astimezone().timestamp()) * 1_000_000_000


def test_moment_is_as_short_as_it_can_be_told():
    now = datetime(2026, 11, 22, 18, 0).astimezone()
    assert figures.moment(ns(2026, 11, 22, 14, 3, 22), now) == "14:03:22"
    assert figures.moment(ns(2026, 11, 21, 14, 3, 22), now) == "Nov 21 14:03"
    assert figures.moment(ns(2025, 11, 21, 14, 3, 22), now) == "2025-11-21"


def test_full_moment_names_its_zone():
    text = figures.full_moment(1_763_800_000_000_000_000)
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(1_763_800_000, UTC)


def test_a_clock_far_off_breaks_no_list():
    assert figures.full_moment(1 << 90).startswith("19")


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "match", "1 match"),
        (0, "match", "0 matches"),
        (1204, "record", "1,204 records"),
        (2, "entry", "2 entries"),
    ],
)
def test_nouns_agree_with_their_number(number, noun, text):
    assert figures.plural(number, noun) == text
