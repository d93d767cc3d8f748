"""What is recognised by the bytes of a line is told exactly as what is read from the record: for both backends."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from agent_trace.delivery.backend import Backend
from agent_trace.delivery.lines import OPENED, read_line
from agent_trace.delivery.wire.langfuse import LangfuseBackend
from agent_trace.delivery.wire.otlp import OtlpBackend
from agent_trace.delivery.wire.shared import SHARED
from tests.support.observed import generation

Make = Callable[[], Backend]
BOTH = pytest.mark.parametrize(
    "make",
    [
        lambda: LangfuseBackend("pk", "sk", "http://127.0.0.1:9"),
        lambda: OtlpBackend("http://127.0.0.1:9/v1/traces"),
    ],
    ids=["langfuse", "otlp"],
)
PROCESS = {"pid": 7, "host": "h", "service": "s"}


def records() -> Iterator[dict[str, Any]]:
    for changes in (
        {},
        {"agent_id": "a"},
        {"parent_id": None},
        {"metadata": {"type": "x", "agent_id": "the user's own"}},
        {"level": "ERROR", "error": {"type": "KeyError"}},
        {"process": True},
        {"process": [1]},
        {"process": "text"},
        {"name": "n" * 5000},
    ):
        whole = {**generation(), "process": PROCESS, **changes}
        own = {key: value for key, value in whole.items() if key not in SHARED}
        yield own | {key: whole[key] for key in SHARED if key in whole}


def lines(record: dict[str, Any]) -> Iterator[bytes]:
    """The record as we write it, and as others may."""
    backwards = dict(reversed(record.items()))
    yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    yield orjson.dumps(backwards, option=orjson.OPT_APPEND_NEWLINE)
    yield json.dumps(record).encode() + b"\n"
    yield json.dumps(backwards, separators=(",", ":")).encode() + b"\n"
    yield orjson.dumps({"type": "of no use", "name": "neither", **record, "new_field": {"type": 1}}) + b"\n"


@BOTH
def test_in_whatever_order_and_spacing_a_line_is_written_the_same_is_told(make: Make) -> None:
    backend = make()
    for _ in range(2):  # the second time, everything was met before
        for record in records():
            for line in lines(record):
                read = read_line(line)
                assert read is not None and read is not OPENED
                assert backend.encode(read, line) == make().encode(read), line


@BOTH
def test_what_stands_before_the_ending_of_a_line_is_told_of_each_record(make: Make) -> None:
    backend = make()
    for name in ("one", "other"):
        own = {key: value for key, value in generation().items() if key not in SHARED}
        record = {**own, "name": name, "type": "span", "process": PROCESS}
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        assert backend.encode(record, line) == make().encode(record)


@BOTH
@pytest.mark.parametrize("field", ["process", "name", "agent_id", "tenant_id", "environment", "model"])
def test_a_field_that_is_no_text_is_told_as_it_is_whatever_came_before(make: Make, field: str) -> None:
    backend = make()
    for value in (True, 1, "text", None, [1], 1.0, "1", {"a": 1}):
        record = generation(**{field: value})
        assert backend.encode(record) == make().encode(record), value


@BOTH
def test_ids_of_other_lengths_are_each_read_for_themselves(make: Make) -> None:
    record = generation(trace_id="ab" * 15, id="cd" * 9)
    (_, message), (_, alone) = (
        make().encode(each)[0].payload for each in (record, generation(trace_id="ab" * 15))
    )
    assert message[2:18] == alone[2:18] == b"\0" + b"\xab" * 15


def test_an_opening_that_is_not_quite_ours_is_read_as_any_line() -> None:
    opening = b'{"v":1,"kind":"opened","trace_id":"%b","id":"%b","start_ns":1,"type":"span","name":"n"}\n' % (
        b"a" * 32,
        b"b" * 16,
    )
    assert read_line(opening) is OPENED
    assert read_line(opening.replace(b":", b": ")) == orjson.loads(opening)
    assert read_line(opening[:-2] + b" }\n") is OPENED
    assert read_line(opening[:60] + b"\0" + opening[61:]) is None
    assert read_line(opening[:-1] + opening) is None
