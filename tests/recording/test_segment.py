"""The format of one segment file: its header, its names, its space."""

import json
import os
from pathlib import Path

import pytest

from agent_trace.errors import SegmentDamaged, StoreTooNew
from agent_trace.recording.journal import layout
from agent_trace.recording.journal import segment as segment_module
from agent_trace.recording.journal.header import HEADER_BYTES, Header, decode_header, encode_header
from agent_trace.recording.journal.segment import Segment
from tests.support.journals import line, segment_lines

_HEADER = Header(pid=7, host="here", service="desk", started_ns=123, lost={"disk_full": 2}, package="0.1.0")


def test_header_is_one_line_of_fixed_size_in_the_documented_order() -> None:
    block = encode_header(_HEADER)
    assert len(block) == HEADER_BYTES
    assert block.index(b"\n") == HEADER_BYTES - 1
    assert list(json.loads(block).items()) == [
        ("v", 1),
        ("kind", "segment"),
        ("pid", 7),
        ("host", "here"),
        ("service", "desk"),
        ("started_ns", 123),
        ("package", "0.1.0"),
        ("sealed", False),
        ("records", None),
        ("lost", {"disk_full": 2}),
    ]
    assert decode_header(block, Path("x")) == _HEADER


def test_header_of_any_content_keeps_its_size() -> None:
    crowded = _HEADER._replace(
        service="ü\n" * 500, host="h" * 500, lost={f"reason {number}": 10**9 for number in range(100)}
    )
    block = encode_header(crowded)
    assert len(block) == HEADER_BYTES
    assert block.count(b"\n") == 1
    assert decode_header(block, Path("x")).lost == {"other": 100 * 10**9}


def test_a_newer_format_is_named_with_what_to_do() -> None:
    newer = encode_header(_HEADER._replace(version=2, package="9.0"))
    with pytest.raises(StoreTooNew, match=r"some/file.*format 2.*9\.0.*Upgrade agent-trace"):
        decode_header(newer, Path("some/file"))


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\0" * 1024,
        b"[]",
        b'{"v":1}',
        b'{"v":1,"kind":"segment","pid":"x","started_ns":1}',
        b'{"v":"1","kind":"segment","pid":1,"started_ns":1}',
        b'{"v":1,"kind":"segment","pid":1,"started_ns":null}',
        b'{"v":0,"kind":"segment","pid":1,"started_ns":1}',
        encode_header(_HEADER)[:100],
        b"\xff" + encode_header(_HEADER)[1:],
    ],
)
def test_a_damaged_header_is_named(block: bytes) -> None:
    with pytest.raises(SegmentDamaged, match="some/file"):
        decode_header(block, Path("some/file"))


def test_names_of_one_process_are_unique_and_sort_by_time() -> None:
    names = [layout.new_segment_name() for _ in range(1000)]
    assert sorted(set(names)) == names
    assert names[0].endswith(".jsonl")
    assert names[0].split("-")[1] == str(os.getpid())


def test_a_segment_in_the_making_is_not_listed_and_a_failed_one_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def fail(*_: object) -> None:
        seen.append([path.suffix for path in (tmp_path / "segments").iterdir()])
        seen.append(list(layout.list_segments(tmp_path)))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(segment_module, "_reserve_blocks", fail)
    with pytest.raises(OSError, match="No space"):
        Segment.create(tmp_path, "", (), {}, 100)
    assert seen == [[".new"], []]
    assert os.listdir(tmp_path / "segments") == []


@pytest.mark.parametrize("without", ["function", "support"])
def test_space_is_taken_where_posix_fallocate_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    def unsupported(*_: int) -> None:
        raise OSError(95, "Operation not supported")

    if without == "function":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    segment = Segment.create(tmp_path, "", (), {}, 100)
    status = segment.path.stat()
    assert status.st_size == 256 << 10
    segment.append_lines(line(1))
    segment.seal()
    assert segment_lines(segment.path) == ([line(1)], 0, 0)


def test_sealing_or_abandoning_twice_touches_no_other_file(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path, "", (), {}, 100)
    fd = segment.fd
    segment.seal()
    with open(tmp_path / "other", "w+b") as other:
        assert other.fileno() == fd
        other.write(b"content")
        other.flush()
        segment.seal()
        segment.abandon()
        assert os.fstat(fd).st_size == 7
