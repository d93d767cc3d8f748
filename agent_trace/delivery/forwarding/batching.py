"""Entries gathered into one window: at most one batch a channel, within bounds of bytes and items."""

from collections import deque
from typing import Final

from agent_trace.delivery.backend import SCORES, SPANS, Item
from agent_trace.delivery.forwarding.entry import Entry

MOST_ITEMS: Final = 512
MOST_ENTRIES: Final = 4096
"""Of records that nothing is to be sent of, so many are settled with one commit."""
CHANNELS: Final = (SPANS, SCORES)


class Window:
    """The next entries in order, until something of them fills a batch."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.entries: list[Entry] = []
        self.is_full = False
        self._items = self._bytes = 0
        self._ids: set[tuple[str, str]] = set()

    def take(self, ready: deque[Entry]) -> None:
        """Move entries from the front of `ready` into the window, as many as fit; the first always does."""
        entries, ids = self.entries, self._ids
        while ready and not self.is_full:
            items = ready[0].items
            if items:
                count, size, key = len(items), items[0].size_bytes, (items[0].channel, items[0].id)
                if count > 1:
                    size = sum(item.size_bytes for item in items)
                # An observation that was amended since it was put into this batch goes with the next one: which of
                # two in one batch a server takes for the newer is not for us to guess.
                is_small = self._items + count <= MOST_ITEMS and self._bytes + size <= self._most_bytes
                if entries and (not is_small or key in ids):
                    self.is_full = True
                    return
                self._items += count
                self._bytes += size
                ids.add(key)
            entries.append(ready.popleft())
            self.is_full = len(entries) >= MOST_ENTRIES

    def batch(self, channel: str) -> list[tuple[Entry, Item]]:
        """What is to be sent on a channel, in order."""
        return [
            (entry, item)
            for entry in self.entries
            if entry.unanswered
            for item in entry.items
            if item.channel == channel
        ]

    def split(self) -> tuple[list[Entry], list[Entry]]:
        """The entries that can be written down as settled, and the rest.

        A position in a segment says that all before it is settled: hence only those at the front, and those
        that are not part of any order.
        """
        entries = self.entries
        for number, entry in enumerate(entries):
            if entry.unanswered:
                behind = entries[number:]
                free = [each for each in behind if each.end is None and not each.unanswered]
                return entries[:number] + free, [
                    each for each in behind if each.end is not None or each.unanswered
                ]
        return entries, []
