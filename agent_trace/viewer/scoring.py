"""The scores of a trace: of itself, and of observations in it. The journal is their only place; no index has them.

What the journal gained since the last question is looked through, and what has a score in it is kept: the first
question reads the whole of it, later ones next to nothing.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agent_trace.delivery.reader import is_live, list_segments, parse_line, read_lines
from agent_trace.store import Store

_MARK: Final = b'"kind":"score"'
_BLOCK_BYTES: Final = 8 << 20
_PASSED: Final[Mapping[str, Any]] = {}
"""What stands for a record that is none of ours: it is not parsed."""


@dataclass(frozen=True, slots=True)
class Score:
    """One judgement. `observation_id` is None for that of a whole trace; `data_type` in Langfuse's words."""

    observation_id: str | None
    name: str
    value: float | bool | str | None
    data_type: str
    comment: str | None
    at_ns: int


def scores_of(store: Store, trace_id: str) -> list[Score]:
    """All scores of a trace by its whole id, the oldest first."""
    with _LOCK:
        shelf = _SHELVES.setdefault(store.directory, _Shelf())
        shelf.refresh(list_segments(store.directory))
        lines = shelf.lines(trace_id)
    records = filter(None, map(parse_line, lines))
    return sorted(map(_score, records), key=lambda each: each.at_ns)


def of_observation(scores: Iterable[Score], id: str | None) -> list[Score]:
    """Those of one observation; without an id, those of the trace itself."""
    return [each for each in scores if each.observation_id == id]


@dataclass(slots=True)
class _Shelf:
    """Lines with scores, by segment and trace, and how far each segment was read."""

    found: dict[Path, dict[str, list[bytes]]] = field(default_factory=dict)
    positions: dict[Path, int] = field(default_factory=dict)

    def refresh(self, segments: list[Path]) -> None:
        for gone in self.found.keys() - set(segments):
            del self.found[gone], self.positions[gone]
        for path in segments:
            self._read(path, self.found.setdefault(path, {}))

    def _read(self, path: Path, found: dict[str, list[bytes]]) -> None:
        position = self.positions.get(path, 0) or _passable(path)
        while (chunk := read_lines(path, position, _BLOCK_BYTES, _parse)).position > position:
            position = chunk.position
            for (_, line), record in zip(chunk.lines, chunk.records, strict=True):
                if record.get("kind") == "score" and isinstance(record.get("trace_id"), str):
                    found.setdefault(record["trace_id"], []).append(line)
        self.positions[path] = position

    def lines(self, trace_id: str) -> list[bytes]:
        return [line for found in self.found.values() for line in found.get(trace_id, ())]


def _passable(path: Path) -> int:
    """The size of a segment that is finished and has no score in it, which is found out fast; 0 of any other."""
    try:
        if is_live(path):
            return 0
        # Not mapped: it may be made shorter while it is looked at.
        content = path.read_bytes()
    except FileNotFoundError:  # removed just now
        return 0
    return 0 if _MARK in content else len(content)


def _parse(line: bytes) -> dict[str, Any] | None:
    return parse_line(line) if _MARK in line[:64] else dict(_PASSED)


def _score(record: Mapping[str, Any]) -> Score:
    said = record.get("score")
    given: Mapping[str, Any] = said if isinstance(said, dict) else {}
    value, comment, at_ns = given.get("value"), given.get("comment"), record.get("at_ns")
    return Score(
        observation_id=str(record["id"]) if record.get("id") else None,
        name=str(given.get("name") or "score"),
        value=value if isinstance(value, float | int | str) else None,
        data_type=str(given.get("data_type") or ""),
        comment=None if comment is None else str(comment),
        at_ns=at_ns if isinstance(at_ns, int) else 0,
    )


_LOCK: Final = threading.Lock()
_SHELVES: Final[dict[Path, _Shelf]] = {}
