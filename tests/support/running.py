"""A trace that still runs, written record by record: this process is its writer, until it ends or seems to die."""

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from agent_trace.recording.journal.journal import Journal
from tests.support.segments import as_line, record
from tests.support.stores import generation

ROOT: Final = "a1"


class Running:
    """One trace, whose root is open from the start. `page`: where it is shown."""

    def __init__(self, directory: Path, began_ago_s: float = 0.0) -> None:
        self.directory = directory
        self.trace_id = "aa" * 16
        self.page = f"/traces/{self.trace_id}"
        self._journal = Journal(directory)
        self._opened: dict[str, dict[str, Any]] = {}
        self.open(ROOT, "desk", parent_id=None, ago_s=began_ago_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.die()

    def write(self, *records: dict[str, Any]) -> None:
        """Write records as they are."""
        for each in records:
            assert self._journal.append(as_line(each))

    def below(self, parent_id: str = ROOT, took_s: float = 0.0) -> dict[str, Any]:
        """What a record needs to lie in this trace, and to have ended just now."""
        now_ns = time.time_ns()
        times = {"start_ns": now_ns - int(took_s * 1e9), "end_ns": now_ns}
        return {"trace_id": self.trace_id, "parent_id": parent_id, **times}

    def open(self, id: str, name: str, *, parent_id: str | None = ROOT, ago_s: float = 0.0) -> None:
        """Begin an agent's work."""
        said = {"trace_id": self.trace_id, "parent_id": parent_id, "id": id, "type": "agent", "name": name}
        self._opened[id] = said | {"start_ns": time.time_ns() - int(ago_s * 1e9)}
        self.write(record("opened", **self._opened[id]))

    def finish(self, id: str = ROOT, **fields: Any) -> None:
        """End an observation that was begun; the trace, without an id."""
        self.write(record(**self._opened.pop(id), **{"end_ns": time.time_ns(), **fields}))

    def judge(
        self, id: str | None, name: str, value: object, data_type: str, comment: str | None = None
    ) -> None:
        """Score an observation; the trace, without an id."""
        said = {"name": name, "value": value, "data_type": data_type, "comment": comment}
        given = {key: each for key, each in said.items() if each is not None}
        made = record("score", trace_id=self.trace_id, id=id, at_ns=time.time_ns(), score=given)
        self.write({key: each for key, each in made.items() if each is not None})

    def die(self) -> None:
        """Let go of the journal, as a process does that ends; what is open stays so."""
        self._journal.close()


def judged_desk(running: Running) -> str:
    """Have a desk in the middle of its work, with scores of all types; gives the path of an observation that has some."""
    ask = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "AAPL?"}]}
    running.open("a2", "desk-analyst", ago_s=1)
    below = running.below("a2", took_s=0.6)
    running.write(
        generation(**below, id="b1", name="ask", input=ask, output="HOLD for now", agent_id="desk-analyst"),
        record(**running.below("a2", took_s=0.5), id="b2", name="read prices", type="tool"),
        generation(
            **running.below("a2", took_s=0.4), id="b3", name="decide", output="BUY", signal={"action": "BUY"}
        ),
        record(
            **running.below("a2", took_s=0.1),
            id="b4",
            name="order",
            type="tool",
            level="ERROR",
            error={"type": "ValueError"},
        ),
    )
    running.judge(
        None, "overall quality", 0.82, "NUMERIC", "Decided in time, for a reason that the prices bear out."
    )
    running.judge(
        "b3", "helpful", 0.75, "NUMERIC", "Answers the question; names no price at which it would be wrong."
    )
    running.judge("b3", "cites", True, "BOOLEAN")
    running.judge("b3", "tone of the reasoning that was given", "calm and collected", "CATEGORICAL")
    return f"{running.page}?observation={'b3':0>16}"
