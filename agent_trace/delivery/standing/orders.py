"""What other processes ask of whoever forwards: history too, another try for what was refused; and what got through."""

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

from agent_trace.delivery.reader import list_segments
from agent_trace.delivery.standing import dead_letters as letters
from agent_trace.delivery.standing.dead_letters import DeadLetter
from agent_trace.delivery.standing.done import DoneList
from agent_trace.delivery.standing.state import DeliveryState
from agent_trace.recording.journal.header import HEADER_BYTES


def extend_history(directory: Path, consumer: str, since_ns: int) -> int:
    """Have a consumer get what was recorded from `since_ns` (nanoseconds since the epoch) on.

    Gives the number of segments that start over; what of them was delivered is sent again, under the same ids.
    A consumer that was never registered is registered with that date. Raises sqlite3.Error, OSError.
    """
    done = DoneList(directory, consumer)
    with closing(DeliveryState(directory)) as state:
        if state.since_ns(consumer) is None:
            state.register(consumer, since_ns)
            done.write(since_ns, ())
            return len(list_segments(directory))
        count = state.extend(consumer, since_ns)
        finished = {name for name, each in state.offsets(consumer).items() if each.finished}
        present = [path.name for path in list_segments(directory)]
        done.match(state.since_ns(consumer) or since_ns, finished, present)
    return count


def forget_consumer(directory: Path, consumer: str) -> bool:
    """Remove a consumer for good: retention waits for it no more. False when there was none of that name.

    Raises sqlite3.Error, OSError.
    """
    done, state = DoneList(directory, consumer), DeliveryState(directory, create=False)
    was_known = done.since_ns() is not None
    if state.path.exists():
        with closing(state):
            was_known |= state.since_ns(consumer) is not None
            state.forget(consumer)
    done.remove()
    return was_known


def dead_letters(directory: Path, consumer: str) -> list[DeadLetter]:
    """What the backend refused for good, oldest first. Raises sqlite3.Error, OSError."""
    state = DeliveryState(directory, create=False)
    if not state.path.exists():
        return []
    with closing(state):
        return letters.dead_letters(state, consumer)


def retry_dead(directory: Path, consumer: str) -> int:
    """Have the next pass try again what was refused, and give its number. Raises sqlite3.Error, OSError."""
    state = DeliveryState(directory, create=False)
    if not state.path.exists():
        return 0
    with closing(state):
        return letters.put_up_for_retry(state, consumer)


def marks_of(directory: Path, pid: int, open_ends: Mapping[str, int]) -> dict[str, int]:
    """The segments of a process, by name, with where the last record of each ends; the oldest first.

    `open_ends` has those that are still written to.
    """
    own = [path for path in list_segments(directory) if f"-{pid}-" in path.name]
    return {path.name: open_ends.get(path.name, path.stat().st_size) for path in own if path.exists()}


def count_dead(directory: Path, consumers: Collection[str], segments: Collection[str]) -> int:
    """How many records of these segments were refused for good. Raises sqlite3.Error, OSError."""
    state = DeliveryState(directory, create=False)
    if not state.path.exists():
        return 0
    with closing(state):
        found = [state.offsets(consumer) for consumer in consumers]
    return sum(each[name].counts["dead"] for each in found for name in segments if name in each)


def is_settled(directory: Path, consumers: Collection[str], marks: Mapping[str, int]) -> bool:
    """Whether every consumer has got each of the segments named in `marks` up to the position given there.

    One that was removed counts as settled. Raises sqlite3.Error, OSError.
    """
    state = DeliveryState(directory, create=False)
    if not state.path.exists():
        return not marks
    present = {path.name for path in list_segments(directory)}
    with closing(state):
        for consumer in consumers:
            offsets = state.offsets(consumer)
            for name, end in marks.items():
                offset = offsets.get(name)
                position = HEADER_BYTES if offset is None else offset.position
                if name in present and position < end and not (offset is not None and offset.finished):
                    return False
    return True
