"""Both ways of a traced call, in Python and compiled, leave the same behind."""

import contextvars
import gc
import struct
import sys
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace import observe_llm
from agent_trace.recording import calls, clock, hot, record, span_fields
from agent_trace.recording.capturing import repeated as in_python
from agent_trace.recording.capturing.capture import Limits
from agent_trace.recording.compiled import hot_path
from agent_trace.recording.journal.journal import Journal
from agent_trace.recording.process import current
from agent_trace.recording.target import Target
from agent_trace.settings import compiled_is_wanted
from agent_trace.testing import recorded
from tests.support.programs import run_program

MANY_CALLS = (Path(__file__).parents[1] / "support" / "both_ways.py").read_text()


def test_these_tests_run_the_compiled_way_unless_they_are_told_not_to() -> None:
    assert hot.IS_COMPILED is compiled_is_wanted()
    assert (hot.Lifecycle.__module__ == hot_path.__name__) is hot.IS_COMPILED


def test_records_of_many_kinds_of_calls_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    in_python, compiled = (
        run_program(MANY_CALLS, "", tmp_path, AGENT_TRACE_COMPILED=wanted) for wanted in "01"
    )
    assert (in_python.stderr, compiled.stderr) == ("", "")
    ways, lines = zip(*(done.stdout.split("\n", 1) for done in (in_python, compiled)), strict=True)
    assert ways == ("in Python", "compiled")
    assert len(lines[0].splitlines()) > 60
    assert lines[0] == lines[1]


REFUSING = """
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.endswith("compiled.hot_path"): raise ImportError(name)
sys.meta_path.insert(0, Refusing())
"""
OTHERS = [REFUSING, "sys.implementation.name = 'pypy'", "sys._is_gil_enabled = lambda: False"]


@pytest.mark.parametrize("other", OTHERS, ids=["not built", "PyPy", "without the GIL"])
def test_where_the_compiled_way_cannot_be_gone_it_is_python(tmp_path: Path, other: str) -> None:
    asking = "from agent_trace.recording import hot; print(hot.IS_COMPILED, hot.Lifecycle.__module__)"
    done = run_program(f"import sys\n{other}\n", asking, tmp_path)
    assert done.stdout == "False agent_trace.recording.lifecycle\n", done.stderr


# What is repeated

texts = st.text('ab"\\\n é\U0001f600\ud800', max_size=20).flatmap(
    lambda text: st.sampled_from([text, text * 30, "x" * 300 + text])
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | texts | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(texts | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
messages = st.lists(
    st.dictionaries(st.sampled_from(["role", "content", "n"]), texts | values, max_size=3), max_size=4
)
inputs = st.dictionaries(st.sampled_from(["messages", "prompt", "kwargs"]), messages | values, max_size=3)


@settings(max_examples=500, deadline=None)
@given(st.lists(inputs, min_size=1, max_size=4), st.integers(1, 4000), st.integers(1, 100), st.integers(5, 8))
def test_arguments_are_written_alike(pool: list[dict[str, Any]], room: int, nodes: int, depth: int) -> None:
    asked: list[list[bytes]] = [[], []]

    def writes(made: Any, heard: list[bytes]) -> list[Any]:
        memory = made(lambda text: (heard.append(text), b"b" not in text)[1])
        return [outcome(memory, arguments, limits) for arguments in pool * 3 for limits in bounds]

    bounds = (Limits(), Limits(room, nodes, depth))
    assert writes(in_python.Repeated, asked[0]) == writes(hot_path.Repeated, asked[1])
    assert asked[0] == asked[1]


def outcome(memory: Any, arguments: dict[str, Any], limits: Limits) -> Any:
    """What was written; None when it has to be captured with more care, in whichever way that is said."""
    try:
        parts = memory.write(arguments, limits)
    except (TypeError, RuntimeError):
        return None
    return None if parts is None else tuple(map(b"".join, parts))


def in_a_text(text: str) -> Any:
    return text


def in_a_message(text: str) -> Any:
    return [{"content": text}]


@pytest.mark.parametrize("placed", [in_a_text, in_a_message])
def test_texts_whose_hashes_are_the_same_are_told_apart(placed: Any) -> None:
    memory = hot_path.Repeated(lambda text: True)
    for text in colliding(0 if placed is in_a_text else mixed(FACTORS[0], b"content")):
        arguments = {"prompt": placed(text.decode("latin-1"))}
        for _ in range(3):
            assert outcome(memory, arguments, Limits())[0] == orjson.dumps(arguments)
        assert len(memory._seen) == 1


FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def folded(one: int, other: int) -> int:
    return (one * other ^ one * other >> 64) & (2**64 - 1)


def mixed(start: int, text: bytes) -> int:
    """`_mixed` of a text of less than 32 bytes."""
    words = struct.unpack("<4Q", text.ljust(32, b"\0"))
    a = folded(start ^ len(text) ^ words[0], FACTORS[0] ^ words[1])
    b = folded((start + FACTORS[1]) % 2**64 ^ words[2], FACTORS[1] ^ words[3])
    return folded(a ^ FACTORS[1], b ^ FACTORS[0])


def colliding(start: int) -> tuple[bytes, bytes]:
    """Two texts of 320 characters with one hash: the first words differ, and the fifth makes up for it."""
    word, another, second, fifth = (struct.unpack("<Q", letter * 8)[0] for letter in (b"A", b"B", b"a", b"C"))
    made_up = fifth
    for each in (word, another):
        made_up ^= folded(start ^ 320 ^ each, FACTORS[0] ^ second)
    rest = b"a" * 280
    one = struct.pack("<Q", word) + rest[:24] + struct.pack("<Q", fifth) + rest
    return one, struct.pack("<Q", another) + rest[:24] + struct.pack("<Q", made_up) + rest


# Lines

ids = st.text("0123456789abcdef", min_size=1, max_size=40)
numbers = st.integers(-(2**63), 2**63 - 1)
pieces = st.lists(st.binary(max_size=40), min_size=1, max_size=4)
parts = st.none() | pieces.map(lambda each: (each, each)) | st.tuples(pieces, pieces)
endings = st.builds(record.Ending, st.binary(max_size=30), st.binary(max_size=30), st.booleans())


class Clock:
    """What a span asks for its start."""

    def __init__(self, now_ns: int) -> None:
        self.clock = self
        self.wall_ns = self.ticks_ns = lambda: now_ns


@settings(max_examples=500, deadline=None)
@given(
    ids, ids, st.none() | ids, numbers, numbers, parts, st.none() | st.binary(max_size=40) | st.just(b"x" * 20_000),
    st.none() | st.text(max_size=9), st.none() | st.dictionaries(st.text(max_size=5), st.integers(0, 9)),
    st.none() | numbers, endings,
)  # fmt: skip
def test_lines_are_put_together_alike(
    trace_id: str, id: str, parent_id: str | None, start_ns: int, end_ns: int, input: Any, output: bytes | None,
    model: str | None, parameters: dict[str, int] | None, first_item_ns: int | None, ending: record.Ending,
) -> None:  # fmt: skip
    lines = []
    for made, way in ((span_fields.SpanFields, record), (hot_path.SpanFields, hot_path)):
        span = made(Clock(start_ns), "name", "span", trace_id, id, parent_id, None, {}, {})
        span.input, span.model, span.model_parameters = input, model, parameters
        span.first_item_ns = first_item_ns
        lines.append((way.opening(span, ending), way.observation(span, end_ns, output, None, ending)))
    assert lines[0] == lines[1]


def test_an_id_that_is_none_is_refused_before_anything_is_written() -> None:
    span = hot_path.SpanFields(Clock(1), "name", "span", "a" * 65, "b", None, None, {}, {})
    with pytest.raises(ValueError, match="is no id"):
        hot_path.opening(span, record.Ending(b"}", b"}", True))


@pytest.mark.parametrize("made", [clock.Ids, hot_path.Ids])
def test_ids_are_random_hex_of_their_length_and_never_come_again(made: type[clock.Ids]) -> None:
    one, other = made(), made()
    found = [
        text
        for each in (one, other)
        for _ in range(20_000)
        for text in (*each.root_ids(), each.span_id(), each.trace_id())
    ]
    assert len(set(found)) == len(found) == 160_000
    assert {len(text) for text in found} == {16, 32}
    bits = [format(int(text, 16), "064b") for text in found if len(text) == 16]
    shares = [sum(each[at] == "1" for each in bits) / len(bits) for at in range(63)]
    assert min(shares) > 0.48 and max(shares) < 0.52
    one.reseed()
    assert one.trace_id() not in found


# The journal


def test_a_line_that_does_not_fit_the_mapping_is_left_to_the_careful_way() -> None:
    class Careful(hot_path.Appender):
        def append_with_care(self, line: bytes) -> str:
            return "with care"

    class Segment:
        position, limit, records, mapping = 2, 1000, 0, bytearray(12)

    appender = Careful()
    assert appender.append(b"{}\n") == "with care"  # no segment yet
    appender.segment, appender.check_at = Segment, float("inf")
    assert (appender.append(b"{1}\n"), Segment.position, Segment.records) == (True, 6, 1)
    assert bytes(Segment.mapping) == b"\0\0{1}\n" + bytes(6)
    for state in ({"mapping": None}, {"limit": 9}, {"limit": 1000}):  # the last says more than there is
        for name, value in ({"mapping": Segment.mapping} | state).items():
            setattr(Segment, name, value)
        assert appender.append(b"{1234}\n") == "with care"
        Segment.mapping = bytearray(12)
    for name in ("inside", "syncs"):
        setattr(appender, name, True)
        assert appender.append(b"{}\n") == "with care"
        setattr(appender, name, False)
    appender.check_at = 0.0
    assert appender.append(b"{}\n") == "with care"
    assert (Segment.position, Segment.records) == (6, 1)


def test_a_journal_that_is_told_to_sync_does_so_whichever_way(tmp_path: Path, mocker: Any) -> None:
    journal = Journal(tmp_path, fsync_s=0.0)
    synced = mocker.spy(journal, "sync")
    for _ in range(3):
        assert journal.append(b'{"v":1}\n')
    assert synced.call_count == 3
    journal.close()


# Calling


class Desk:
    @observe_llm
    def decide(self, symbol: str, *, fails: bool = False) -> str:
        if fails:
            raise LookupError(symbol)
        return symbol.lower()


@observe_llm
def fail(symbol: str) -> str:
    raise LookupError(symbol)


needs_the_compiled_way = pytest.mark.skipif(not hot.IS_COMPILED, reason="of the compiled way alone")


@needs_the_compiled_way
@pytest.mark.parametrize("call", [lambda: fail("AAPL"), lambda: Desk().decide("AAPL", fails=True)])
def test_a_traceback_has_the_frames_of_the_program_alone(call: Callable[[], str]) -> None:
    with recorded() as sink, pytest.raises(LookupError, match="AAPL") as raised:
        call()
    assert {frame.filename for frame in traceback.extract_tb(raised.tb)} == {__file__}
    assert b"LookupError: AAPL" in sink.lines[-1] and b"compiled" not in sink.lines[-1]


@needs_the_compiled_way
def test_an_exception_is_the_same_object_with_its_cause_and_leaves_no_other_behind() -> None:
    cause, error = ValueError("why"), KeyError("what")

    @observe_llm
    def ask() -> None:
        raise error from cause

    with recorded():
        try:
            ask()
        except KeyError as caught:
            assert caught is error and caught.__cause__ is cause and caught.__context__ is None
        assert sys.exc_info() == (None, None, None)


@needs_the_compiled_way
def test_an_interrupt_while_a_call_is_closed_is_raised_with_what_the_call_had_raised(mocker: Any) -> None:
    def interrupted() -> None:
        with recorded():
            close = mocker.patch.object(type(current().steps), "close", side_effect=KeyboardInterrupt)
            with pytest.raises(KeyboardInterrupt) as raised:
                fail("AAPL")
            assert isinstance(raised.value.__context__, LookupError)
            with pytest.raises(KeyboardInterrupt):
                Desk().decide("AAPL")
            assert close.call_count == 2

    # What was not closed is current there, and only there.
    contextvars.copy_context().run(interrupted)


@needs_the_compiled_way
def test_what_is_called_without_arguments_or_with_others_says_so() -> None:
    wrapper = calls.wrapper_for(len, Target(len))
    for args, named in (
        ((), {}),
        ((1, 2, 3), {}),
        ((1, 2, [], {}), {}),
        ((1, 2, (), ()), {}),
        ((), {"a": 1}),
    ):
        with pytest.raises(TypeError, match="a wrapper takes"):
            wrapper(*args, **named)
    assert calls.call_observed is not None
    with pytest.raises(TypeError, match="nothing to call"):
        calls.call_observed.__func__()  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        type(wrapper)(1)


@needs_the_compiled_way
def test_a_wrapper_in_a_cycle_is_collected() -> None:
    def ask() -> None: ...

    ask.itself = observe_llm(ask)  # type: ignore[attr-defined]
    gone = weakref.ref(ask)
    del ask
    gc.collect()
    assert gone() is None


# Memory


def test_calls_leave_nothing_in_memory() -> None:
    @observe_llm
    def ask(messages: list[dict[str, str]], model: str = "gpt-4o", **more: object) -> str:
        if more:
            raise ValueError("no")
        return "x" * 400

    desk = Desk()

    def call(count: int) -> None:
        for number in range(count):
            ask(
                [{"role": "system", "content": "s" * 300}, {"role": "user", "content": f"{number % 50}" * 90}]
            )
            with pytest.raises(ValueError, match="no"):
                ask([], temperature=number)
            desk.decide("AAPL")
            desk.decide(symbol="AAPL")
        sink.lines.clear()

    with recorded() as sink:
        call(200)
        gc.collect()
        before = sys.getallocatedblocks()
        call(1_000)
        gc.collect()
        assert sys.getallocatedblocks() - before < 500
