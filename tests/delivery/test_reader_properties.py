"""Whatever order writers, deaths, readers and damage come in, the reader tells the truth."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.delivery.reader import list_segments, read_header, read_lines, trim_dead
from agent_trace.errors import StoreError
from agent_trace.recording.journal.header import HEADER_BYTES
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line, segment_lines, store_lines

_quick = settings(deadline=None, max_examples=120)

_writer = st.integers(0, 2)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), _writer, st.sampled_from([0, 10, 700, 5000, 70_000])),
        st.tuples(st.just("close"), _writer, st.just(0)),
        st.tuples(st.just("die"), _writer, st.integers(0, 6000)),
        st.tuples(st.just("interrupt"), _writer, st.integers(0, 6000)),
        st.tuples(st.just("read"), _writer, st.sampled_from([1, 300, 4 << 20])),
        st.tuples(st.just("trim"), _writer, st.just(0)),
    ),
    max_size=40,
)


class World:
    """Three writers and one incremental reader on one store."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writers = [self._new_writer() for _ in range(3)]
        self.written: list[bytes] = []
        self.read_so_far: list[bytes] = []
        self.positions: dict[Path, int] = {}

    def _new_writer(self) -> Journal:
        return Journal(self.directory, segment_bytes=64 << 10)

    def append(self, writer: int, padding: int) -> None:
        new = line(len(self.written), str(writer), padding)
        assert self.writers[writer].append(new)
        self.written.append(new)

    def close(self, writer: int, _: int) -> None:
        self.writers[writer].close()

    def interrupt(self, writer: int, body_bytes: int) -> None:
        """Leave an append as a signal that raises does: reserved, some of the body, no first byte."""
        segment = self.writers[writer].segment
        unfinished = line(-1, padding=5000)
        if segment is None or segment.mapping is None or not segment.has_room(len(unfinished)):
            return
        start = segment.position
        segment.position += len(unfinished)
        body = unfinished[1 : 1 + body_bytes]
        segment.mapping[start + 1 : start + 1 + len(body)] = body

    def die(self, writer: int, body_bytes: int) -> None:
        self.interrupt(writer, body_bytes)
        segment = self.writers[writer].segment
        if segment is not None:
            segment.abandon()
        self.writers[writer] = self._new_writer()

    def read(self, _: int, max_bytes: int) -> int:
        found = 0
        for path in list_segments(self.directory):
            chunk = read_lines(path, self.positions.get(path, 0), max_bytes)
            self.read_so_far += [each for _, each in chunk.lines]
            assert chunk.damaged == 0
            self.positions[path] = chunk.position
            found += len(chunk.lines)
        return found

    def trim(self, _: int, __: int) -> None:
        for path in list_segments(self.directory):
            trim_dead(path)


@_quick
@given(_steps)
def test_any_order_of_writers_deaths_and_readers_gives_every_line_once(
    steps: list[tuple[str, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for action, writer, amount in steps:
            step: Callable[[int, int], object] = getattr(world, action)
            step(writer, amount)
        while world.read(0, 4 << 20):
            pass
        assert sorted(world.read_so_far) == sorted(world.written)
        for journal in world.writers:
            journal.close()
        world.trim(0, 0)
        assert sorted(store_lines(world.directory)) == sorted(world.written)


@st.composite
def _damage(draw: st.DrawFn) -> tuple[list[bytes], list[tuple[float, int]], float]:
    sizes = draw(st.lists(st.integers(0, 300), min_size=1, max_size=12))
    lines = [line(number, padding=size) for number, size in enumerate(sizes)]
    flips = draw(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=6))
    return lines, flips, draw(st.one_of(st.just(1.0), st.floats(0, 1)))


@_quick
@given(_damage(), st.booleans())
def test_flipped_bits_and_truncation_cost_the_lines_they_touch_and_no_other(
    damage: tuple[list[bytes], list[tuple[float, int]], float], live: bool
) -> None:
    lines, flips, kept_share = damage
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        for each in lines:
            journal.append(each)
        path = list_segments(Path(folder))[0]
        if not live:
            journal.close()
        content = bytearray(path.read_bytes())
        end = HEADER_BYTES + sum(map(len, lines))
        touched = set()
        for where, bit in flips:
            offset = int(where * end)
            content[offset] ^= 1 << bit
            touched.add(offset)
        kept_bytes = end if live else int(kept_share * end)
        with open(path, "r+b") as file:
            file.write(content[: end if live else kept_bytes])
            if not live:
                file.truncate(kept_bytes)
        found = set(segment_lines(path)[0])
        journal.close()
        found |= set(segment_lines(path)[0])
        try:
            read_header(path)
        except StoreError:
            pass

        untouched, offset = set(), HEADER_BYTES
        allowed = set(lines)
        for each in lines:
            extent = range(offset, offset + len(each))
            offset += len(each)
            if offset <= kept_bytes and touched.isdisjoint(extent):
                untouched.add(each)
            else:
                allowed.add(bytes(content[extent.start : extent.stop]))
        assert untouched <= found <= allowed


@_quick
@given(st.binary(max_size=3000), st.integers(0, 5000), st.integers(1, 5000))
def test_any_bytes_at_all_are_read_without_an_exception(noise: bytes, position: int, max_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "segments" / "x.jsonl"
        path.parent.mkdir()
        path.write_bytes(bytes(HEADER_BYTES) + noise + b"\n" + line(1))
        lines = segment_lines(path, max_bytes)[0]
        assert lines[-1:] == [line(1)]
        assert read_lines(path, position, max_bytes).position >= position
        trim_dead(path)
        assert segment_lines(path, max_bytes)[0] == lines
