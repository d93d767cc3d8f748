"""Reading what a journal left, whole or not: every whole line once, nothing that was not written."""

import os
from pathlib import Path

import pytest

from agent_trace.delivery.reader import is_live, list_segments, read_header, read_lines, trim_dead
from agent_trace.errors import SegmentDamaged
from agent_trace.recording.journal.header import HEADER_BYTES
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line, segment_lines, start_program


def _segment(directory: Path, body: bytes) -> Path:
    """A segment of a dead process with any bytes behind its header."""
    journal = Journal(directory)
    journal.append(line(0))
    journal.close()
    path = list_segments(directory)[-1]
    with open(path, "r+b") as file:
        file.seek(HEADER_BYTES)
        file.truncate()
        file.write(body)
    return path


def test_lines_come_with_their_offsets_and_parsed(tmp_path: Path) -> None:
    path = _segment(tmp_path, line(1) + line(22))
    chunk = read_lines(path, 0)
    assert chunk.lines == [(1024, line(1)), (1024 + len(line(1)), line(22))]
    assert [record["n"] for record in chunk.records] == [1, 22]
    assert chunk.position == path.stat().st_size
    assert read_lines(path, chunk.position).lines == []


def test_reading_in_small_chunks_gives_the_same_lines(tmp_path: Path) -> None:
    lines = [line(number, padding=number * 37 % 3000) for number in range(100)]
    path = _segment(tmp_path, b"".join(lines))
    for max_bytes in (1, 100, 4096, 1 << 20):
        assert segment_lines(path, max_bytes) == (lines, 0, 0)


@pytest.mark.parametrize(
    ("body", "kept", "torn", "damaged"),
    [
        (b"", [], 0, 0),
        (b"\0" * 300_000, [], 0, 0),
        (line(1) + b"\0" * 5000, [1], 0, 0),
        (line(1) + b"\0" * 5000 + line(2), [1, 2], 1, 0),
        (line(1) + b"\0" + line(2)[1:] + line(3), [1, 3], 1, 0),
        (line(1) + b"\0" + line(2)[1:], [1], 1, 0),
        (line(1) + b"\0" + line(2)[1:20] + b"\0" * 200, [1], 1, 0),
        (line(1) + line(2)[:20], [1], 1, 0),
        (line(1) + line(2)[:-1], [1], 1, 0),
        (line(1) + b"\0" + line(2)[1:20] + b"\0" * 20 + line(3), [1, 3], 1, 0),
        (line(1) + line(2).replace(b"x", b"\0") + b'{"n":\0}\n' + line(3), [1, 2, 3], 1, 0),
        (line(1) + b"not json\n" + line(2), [1, 2], 0, 1),
        (line(1) + b"[1]\n\n" + line(2), [1, 2], 0, 2),
        (line(1)[:-1] + b"J" + line(2) + line(3), [2, 3], 0, 1),
        (line(1) + line(2).replace(b"who", b"w\xffo") + line(3), [1, 3], 0, 1),
        (b"\xff" * 400_000 + line(2), [2], 0, 1),
    ],
)
def test_what_is_torn_or_damaged_is_counted_and_the_rest_read(
    tmp_path: Path, body: bytes, kept: list[int], torn: int, damaged: int
) -> None:
    path = _segment(tmp_path, body)
    for max_bytes in (64, 4 << 20):
        lines, torn_found, damaged_found = segment_lines(path, max_bytes)
        assert (lines, torn_found, damaged_found) == ([line(number) for number in kept], torn, damaged)
    trim_dead(path)
    assert segment_lines(path) == ([line(number) for number in kept], torn, damaged)


def test_records_behind_a_damaged_header_are_read(tmp_path: Path) -> None:
    path = _segment(tmp_path, line(1))
    with open(path, "r+b") as file:
        file.write(b"\0" * 500)
    with pytest.raises(SegmentDamaged):
        read_header(path)
    assert segment_lines(path)[0] == [line(1)]
    assert not trim_dead(path)


def test_a_nested_object_is_never_taken_for_a_record(tmp_path: Path) -> None:
    nested = b'{"v":1,"input":{"v":1,"kind":"observation"},"more":"{\\"v\\":1}"}\n'
    path = _segment(tmp_path, b"\0" + nested[1:] + b"X" + nested[1:] + line(1))
    assert segment_lines(path) == ([line(1)], 1, 1)


def test_a_segment_that_is_gone_or_shorter_than_its_header_has_no_lines(tmp_path: Path) -> None:
    path = _segment(tmp_path, line(1))
    os.truncate(path, 500)
    assert read_lines(path, 0).lines == []
    assert read_lines(path, 99_999).position == 99_999
    path.unlink()
    assert read_lines(path, 0).lines == []
    assert not is_live(path)
    assert not trim_dead(path)
    assert list_segments(tmp_path / "missing") == []


def test_a_live_gap_is_waited_for_until_a_whole_line_follows(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(line(1))
    path = journal.path
    assert path is not None
    segment = journal.segment
    assert segment is not None
    segment.position += 200  # an append that was begun and interrupted
    assert [each for _, each in read_lines(path, 0).lines] == [line(1)]
    assert read_lines(path, 0).torn == 0
    assert not trim_dead(path)
    journal.append(line(2))
    for max_bytes in (10, 4 << 20):
        assert segment_lines(path, max_bytes) == ([line(1), line(2)], 1, 0)


def test_a_reader_that_looks_while_a_line_is_written_never_loses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block is copied front to back: an early gap may be filled before the later line was begun."""
    journal = Journal(tmp_path)
    for number in range(3):
        journal.append(line(number))
    path = journal.path
    real, looks = os.pread, []

    def stale_pread(fd: int, length: int, offset: int) -> bytes:
        block = real(fd, length, offset)
        looks.append(offset)
        if len(looks) == 1:
            start = len(line(0))
            return block[:start] + b"\0" * len(line(1)) + block[start + len(line(1)) :]
        return block

    monkeypatch.setattr(os, "pread", stale_pread)
    assert path is not None
    chunk = read_lines(path, 0)
    assert ([each for _, each in chunk.lines], chunk.torn) == ([line(0), line(1), line(2)], 0)


def test_a_reader_follows_a_live_process_without_a_half_or_missing_line(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line
journal = Journal(Path(sys.argv[1]), segment_bytes=2 << 20)
for number in range(6000): journal.append(line(number, padding=number * 131 % 2500))
journal.close()
"""
    process = start_program(code, tmp_path)
    positions: dict[Path, int] = {}
    seen: list[int] = []
    torn = 0
    while True:
        ended = process.poll() is not None
        for path in list_segments(tmp_path):
            chunk = read_lines(path, positions.get(path, 0))
            positions[path] = chunk.position
            seen += [record["n"] for record in chunk.records]
            torn += chunk.torn + chunk.damaged
        if ended and len(seen) >= 6000:
            break
        assert not (ended and not chunk.lines), f"only {len(seen)} lines came"
    process.communicate()
    assert seen == list(range(6000))
    assert torn == 0
