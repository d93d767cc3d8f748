"""What comes again is neither encoded nor searched again, and nothing that would be found is missed by it."""

import string
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.recording.capturing import repeated as in_python
from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.compiled import hot_path
from agent_trace.recording.redaction.redactor import Redactor
from agent_trace.testing import recorded
from tests.support.planted import PLANTED

PROSE = "The desk buys when momentum is strong, and sells when it is not. "
Kind = Callable[[Callable[[bytes], bool]], in_python.Repeated]
both_ways = pytest.mark.parametrize(
    "Repeated",
    [pytest.param(in_python.Repeated, id="in Python"), pytest.param(hot_path.Repeated, id="compiled")],
)
LIMITS = Limits()
START, END = b'{"v":1,"kind":"observation","input":', b"}\n"


def long_text(seed: str) -> str:
    return (seed + PROSE * 60)[:3000]


def written_by(
    repeated: in_python.Repeated, arguments: dict[str, Any], limits: Limits = LIMITS
) -> tuple[bytes, bytes]:
    """All the JSON of arguments that can be written, and what of it has still to be searched."""
    parts = repeated.write(arguments, limits)
    assert parts is not None
    return b"".join(parts[0]), b"".join(parts[1])


def message(content: str, role: str = "user") -> dict[str, str]:
    return {"role": role, "content": content}


class Searched(list[bytes]):
    """A gate that finds everything clean and remembers what it was asked."""

    def is_clean(self, text: bytes) -> bool:
        self.append(text)
        return True


@both_ways
def test_a_message_is_learned_when_it_comes_again_and_searched_once(Repeated: Kind) -> None:
    searched = Searched()
    repeated = Repeated(searched.is_clean)
    history = [message(long_text("a"), "system"), message(long_text("b"))]
    for question in "cdefgh":
        written = written_by(repeated, {"messages": [*history, message(long_text(question))]})
    assert searched == [orjson.dumps(each) for each in history]
    assert len(written[1]) < 3_700 and len(written[0]) > 9_000


@both_ways
def test_what_is_to_be_searched_has_both_ends_of_each_piece_and_all_around_them(Repeated: Kind) -> None:
    repeated = Repeated(lambda text: True)
    known, new, text = message(long_text("known ")), message("new"), long_text("text ")
    for _ in range(3):
        repeated.write({"messages": [known], "prompt": text}, LIMITS)
    arguments = {"messages": [known, new, 5], "password": text, "other": [1, None]}
    written = written_by(repeated, arguments)
    assert written[0] == orjson.dumps(arguments)
    left = written[0]
    for piece in map(orjson.dumps, (known, text)):
        left = left.replace(piece, piece[:64] + piece[-64:])
    assert written[1] == left


@both_ways
def test_a_suspicious_piece_is_never_taken_for_known(Repeated: Kind) -> None:
    repeated = Repeated(lambda text: False)
    for _ in range(4):
        written = written_by(repeated, {"messages": [message(long_text("a"))], "prompt": long_text("b")})
        assert written[1] == written[0]


@both_ways
def test_a_changed_message_is_another_one(Repeated: Kind) -> None:
    repeated = Repeated(lambda text: True)
    changing = message(long_text("before"))
    for _ in range(3):
        repeated.write({"messages": [changing]}, LIMITS)
    changing["content"] = long_text("after")
    written = written_by(repeated, {"messages": [changing]})
    assert written[0] == orjson.dumps({"messages": [changing]}) == written[1]


@both_ways
def test_memory_is_bounded(Repeated: Kind) -> None:
    repeated = Repeated(lambda text: True)
    for number in range(30_000):
        for _ in range(2):
            repeated.write({"prompt": f"{number} " + "x" * 300}, LIMITS)
    assert len(repeated._known) <= 4_000 and len(repeated._seen) <= 20_000
    for number in range(3_000):
        for _ in range(2):
            repeated.write({"prompt": f"{number} " + "x" * 30_000, f"name_{number}": 1}, LIMITS)
    assert 0 < repeated._bytes <= 4 << 20 and len(repeated._labels) <= 1_000


class Telling(str):
    """A text that would notice being compared, and an object that would notice being hashed."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    def __hash__(self) -> int:
        raise AssertionError("hashed")


@both_ways
def test_code_of_values_does_not_run(Repeated: Kind) -> None:
    repeated = Repeated(lambda text: True)
    for value in (Telling("x" * 400), [message(Telling("x" * 400))], {"a": Telling("b")}):
        assert repeated.write({"prompt": value}, LIMITS) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("ab\"\\\n é", max_size=400)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("pqr", min_size=1, max_size=2), json_values, max_size=3), st.integers(1, 1200))
@both_ways
def test_it_writes_what_capture_writes_within_the_same_bounds(
    Repeated: Kind, arguments: dict[str, Any], most: int
) -> None:
    repeated = Repeated(lambda text: True)
    for _ in range(3):
        assert written_by(repeated, arguments)[0] == orjson.dumps(arguments)
        tight = repeated.write(arguments, Limits(most, most, 6))
        if tight is not None:
            assert (b"".join(tight[0]), None) == capture(arguments, Limits(most, most, 6), "input")


@both_ways
def test_what_is_written_is_never_longer_than_the_bound(Repeated: Kind) -> None:
    repeated = Repeated(lambda text: True)
    for arguments in ({"messages": [message("a")] * 3}, {"a": "b", "more": {"c": [{"d": "e"}]}}, {"a": [1]}):
        size = len(orjson.dumps(arguments))
        for most in range(size - 5, size + 1):
            parts = repeated.write(arguments, Limits(most, 1_000, 6))
            assert parts is None or len(b"".join(parts[0])) <= most
        assert repeated.write(arguments, Limits(size + 5, 1_000, 6)) is not None


def test_input_that_does_not_fit_is_cut_however_often_it_comes() -> None:
    from agent_trace import observe_llm

    @observe_llm
    def ask(messages: list[dict[str, str]]) -> None: ...

    with recorded(max_field_bytes=5_000) as observations:
        for _ in range(4):
            ask([message(long_text("a")), message(long_text("b"))])
    assert [len(each.truncated) > 0 for each in observations] == [True] * 4


def test_a_secret_in_a_large_prompt_is_hidden_when_all_of_it_is_new_and_when_most_is_known() -> None:
    from agent_trace import observe_llm

    @observe_llm
    def ask(messages: list[dict[str, str]]) -> None: ...

    history = [message(long_text(f"{number} ")) for number in range(40)]
    key = "sk-ant-api03-" + "aB3dE5fG7h" * 9
    with recorded() as observations:
        for _ in range(3):
            ask([*history, message(f"use {key} for it")])
    assert [each.input["messages"][-1]["content"] for each in observations] == [
        "use [redacted:anthropic] for it"
    ] * 3
    assert [each.input["messages"][:-1] == history for each in observations] == [True] * 3


planted = st.sampled_from(sorted(PLANTED)).map(PLANTED.__getitem__)
around = st.text(string.ascii_letters + ' .,:"\\\n', max_size=600)


@settings(max_examples=300, deadline=None)
@given(
    planted,
    around,
    around,
    st.sampled_from(["messages", "password", "note"]),
    st.sampled_from(["system", "api_key", "private key", "tx_hash"]),
    st.integers(0, 3),
)
@both_ways
def test_the_same_is_hidden_with_and_without_it(
    Repeated: Kind, secret: Any, before: str, after: str, key: str, label: str, times: int
) -> None:
    arguments = {
        key: [
            message(long_text(after)),
            message(f"{before} {secret[0]} {after}"),
            message(f"{after} {secret[0]}"),
        ],
        "prompt": f"{before}{after}{secret[0]}",
        "more": secret[2],
        label: long_text(before),
    }
    redactor = Redactor()
    repeated = Repeated(redactor.is_clean)
    for _ in range(times + 1):
        if repeated.write(arguments, LIMITS) is None:
            return
    whole, searched = written_by(repeated, arguments)
    line = START + whole + END
    with_it = redactor.redact_line(line, b'{"input":' + searched + b"}")
    assert with_it == Redactor().redact_line(line)
