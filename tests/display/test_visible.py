import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_trace.display.visible import is_hidden, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\nend\r\t", "line\\nend\\r\\t"),
        ("\u3164", "\\u3164"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_steers_a_terminal_or_hides_is_spelt_out(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["plain", "Grüße, 価格 📈", "[red]not markup[/red]", "5 € – “quoted”"])
def test_what_people_write_stays(text):
    assert visible(text) == text


def test_lines_may_be_kept():
    assert visible("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@given(st.text())
def test_nothing_hidden_is_left_whatever_the_text(text):
    assert not any(map(is_hidden, visible(text)))
    assert not any(map(is_hidden, one_line(text)))


def test_prose_becomes_one_line_of_bounded_length():
    assert one_line("two\n  words\t") == "two words"
    assert len(one_line("x" * 10_000_000)) == 500
