"""What a journal could not record, counted by reason; told in the head of a segment, as soon as there is one."""

from collections import Counter

from agent_trace.recording.journal.segment import Segment


class Losses:
    """`total` of this process, and `untold`: those of them that no segment was there to note."""

    __slots__ = ("total", "untold")

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.untold: Counter[str] = Counter()

    def add(self, reason: str, count: int, segment: Segment | None) -> None:
        """Count lost records, in the head of the segment if there is one."""
        self.total[reason] += count
        if segment is None:
            self.untold[reason] += count
        else:
            segment.note_lost(reason, count)

    def were_told(self) -> None:
        """The head of a segment holds what was untold."""
        self.untold = Counter()
