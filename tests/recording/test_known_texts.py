"""Texts that are known to be clean are passed over, and nothing that would be found is missed by it."""

import string

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.redaction.known_texts import KnownTexts
from agent_trace.recording.redaction.redactor import Redactor
from tests.support.planted import PLANTED

PROSE = "The desk buys when momentum is strong, and sells when it is not. "


def long_text(seed: str) -> str:
    return (seed + PROSE * 60)[:3000]


def line_of(value: object) -> tuple[bytes, list[str]]:
    texts: list[str] = []
    content, _ = capture(value, Limits(), "input", None, texts)
    return b'{"v":1,"input":' + content + b"}\n", texts


def test_a_text_is_searched_once() -> None:
    searched: list[bytes] = []

    def match(text: bytes) -> None:
        searched.append(text)

    known = KnownTexts(match)
    line, texts = line_of([long_text("a"), long_text("b")])
    for _ in range(3):
        known.left_over(line, texts)
    assert len(searched) == 2


def test_what_is_left_over_has_both_ends_of_each_text_and_all_around_them() -> None:
    known = KnownTexts(lambda text: None)
    text = long_text("begins here ")
    line, texts = line_of({"password": text, "other": "short"})
    rest = known.left_over(line, texts)
    encoded = orjson.dumps(text)
    assert rest == line.replace(encoded, encoded[:64] + encoded[-64:])


def test_texts_of_different_depths_are_found_in_any_order() -> None:
    known = KnownTexts(lambda text: None)
    deep, shallow = long_text("deep "), long_text("shallow ")
    line, texts = line_of({"messages": [{"content": deep}], "system": shallow})
    assert texts == [shallow, deep]
    assert len(known.left_over(line, texts)) < 400


def test_a_text_that_stands_elsewhere_too_is_searched_where_it_stands() -> None:
    known = KnownTexts(lambda text: None)
    text = long_text("twice ")
    line, texts = line_of([text, text])
    assert len(known.left_over(line, texts)) < 400
    assert known.left_over(line, [text, text, text]) == line
    assert known.left_over(line, [long_text("absent ")]) == line


def test_a_suspicious_text_is_never_taken_for_known() -> None:
    known = KnownTexts(lambda text: [0])
    line, texts = line_of([long_text("a")])
    assert known.left_over(line, texts) == line


def test_memory_of_texts_is_bounded() -> None:
    known = KnownTexts(lambda text: None)
    for n in range(5000):
        line, texts = line_of([long_text(f"{n} ")])
        known.left_over(line, texts)
    assert len(known._known) <= 2000


planted = st.sampled_from(sorted(PLANTED)).map(PLANTED.__getitem__)
around = st.text(string.ascii_letters + ' .,:"\\\n', max_size=3000)


@settings(max_examples=200, deadline=None)
@given(planted, around, around, st.sampled_from(["input", "password", "note"]), st.booleans())
def test_the_same_is_hidden_with_and_without_it(
    secret: object, before: str, after: str, key: str, again: bool
) -> None:
    assert isinstance(secret, tuple)
    value = {key: f"{before} {secret[0]} {after}", "system": long_text(after), "more": secret[2]}
    line, texts = line_of([value, {"content": long_text(before)}])
    with_it, without_it = Redactor(), Redactor()
    if again:
        with_it.redact_line(line, texts)
    assert with_it.redact_line(line, texts) == without_it.redact_line(line)
