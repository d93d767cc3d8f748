"""Promises of how far an announced value reaches in a line, on every Python."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from agent_trace.recording import redaction
from agent_trace.recording.redaction.rule import MARK, later
from agent_trace.recording.redaction.values import line_span


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        (b"one two\nthree", 0, b"one two"),
        (b'say "one two"', 5, b"one two"),
        (b"one two\\nthree", 0, b"one two"),
        (b"one two\\\\\\nthree", 0, b"one two"),
        (b'one two\\"}', 0, b"one two"),
        (b"one \\two \\\\three", 0, b"one \\two \\\\three"),
        (b"one two\\\\", 0, b"one two"),
        (b'a="one two"; b="three" four" five', 0, b'a="one two"; b="three" four'),
        (b'a=\\"one\\" two"', 0, b'a=\\"one\\" two'),
        (b'a="one', 0, b"a="),
        (b"\\\\one two'", 1, b"\\one two"),
        (b'\\\\"one', 1, None),
        (b"  \nthree", 0, None),
        (b"", 0, None),
    ],
)
def test_a_line_ends_with_its_quotation_or_where_a_new_one_is_written(
    text: bytes, at: int, value: bytes | None
) -> None:
    span = line_span(text, at)
    assert (None if span is None else text[slice(*span)]) == value


def patterns() -> Iterator[re.Pattern[Any]]:
    for module in pkgutil.iter_modules(redaction.__path__, f"{redaction.__name__}."):
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type(MARK)) and each.__wrapped__.__qualname__.startswith(later.__name__):
                yield each()


def test_no_pattern_needs_what_python_3_11_2_gets_wrong() -> None:
    """Possessive groups match too much there; Debian 12 has that Python."""
    found = list(patterns())
    assert len(found) > 20
    assert [
        each.pattern for each in found if "POSSESSIVE" in str(_parser.parse(each.pattern, each.flags & ~re.U))
    ] == []
