"""What a backend has not got yet goes last, and the log of what was removed says when it had to go."""

import json
import os
import time
from pathlib import Path

from agent_trace.delivery.reader import list_segments
from agent_trace.recording.journal.eviction import evict
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line


def _store(directory: Path, segments: int, **done: list[int]) -> list[Path]:
    """Segments of which each consumer in `done` needs no more those with the given numbers."""
    for _ in range(segments):
        journal = Journal(directory)
        journal.append(line(1, padding=5000))
        journal.close()
    paths = list_segments(directory)
    (directory / "delivery").mkdir()
    for consumer, numbers in done.items():
        text = "".join(f"{paths[number].name}\n" for number in numbers)
        (directory / "delivery" / f"{consumer}.done").write_text(f"# since_ns 5\n{text}")
    return paths


def _log(directory: Path) -> list[tuple[str, str, object]]:
    entries = [json.loads(each) for each in (directory / "evicted.jsonl").read_text().splitlines()]
    return [(each["segment"], each["reason"], each.get("undelivered")) for each in entries]


def test_what_every_consumer_has_got_goes_first(tmp_path: Path) -> None:
    paths = _store(tmp_path, 4, langfuse=[1, 2, 3], otlp=[2, 3])
    size = paths[0].stat().st_size
    evict(tmp_path, max_bytes=2 * size)
    assert list_segments(tmp_path) == paths[:2]
    assert _log(tmp_path) == [(paths[2].name, "size", None), (paths[3].name, "size", None)]
    evict(tmp_path, max_bytes=0)
    assert _log(tmp_path)[2:] == [
        (paths[0].name, "size", ["langfuse", "otlp"]),
        (paths[1].name, "size", ["otlp"]),
    ]


def test_age_does_not_remove_what_is_needed(tmp_path: Path) -> None:
    paths = _store(tmp_path, 3, langfuse=[1])
    evict(tmp_path, older_than_s=-1)
    assert list_segments(tmp_path) == [paths[0], paths[2]]


def test_without_consumers_age_and_size_decide_alone(tmp_path: Path) -> None:
    paths = _store(tmp_path, 3)
    evict(tmp_path, max_bytes=paths[0].stat().st_size)
    assert list_segments(tmp_path) == paths[2:]
    evict(tmp_path, older_than_s=-1)
    assert list_segments(tmp_path) == []


def test_a_consumer_that_nobody_has_served_for_a_month_holds_nothing_back(tmp_path: Path) -> None:
    _store(tmp_path, 3, langfuse=[])
    long_ago_s = time.time() - 31 * 86_400
    os.utime(tmp_path / "delivery" / "langfuse.done", (long_ago_s, long_ago_s))
    evict(tmp_path, older_than_s=-1)
    assert list_segments(tmp_path) == []
    assert [entry[2] for entry in _log(tmp_path)] == [None] * 3
