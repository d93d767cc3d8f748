"""The full text: filled from the journal in a second step with positions of its own, then searched.

Indexing words costs several times what a row costs (20 µs for 1 KB, 140 µs for 4.5 KB). It is done when a
search asks, and along with a refresh that found little new, so that a list never waits for it.
"""

import re
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from agent_trace.delivery.reader import Chunk, list_segments, read_lines
from agent_trace.store.index import Index
from agent_trace.store.records import OFFSET_MASK, SEGMENT_SHIFT, Record, is_record
from agent_trace.store.refresh import Progress, Steps, collector_paused
from agent_trace.store.words import Term, searched_fields, searched_text

BATCH_BYTES: Final = 8 << 20
LITTLE_BYTES: Final = 1 << 20
"""So much text is indexed along with a refresh: about 30 ms."""
_AROUND_CHARS: Final = 80


def refresh_text(
    index: Index, directory: Path, progress: Progress | None = None, most_bytes: int | None = None
) -> int:
    """Index the words of records that have rows already, newest segments first; gives the number of records.

    With `most_bytes`, does nothing when there is more to read than that.
    """
    _drop_forgotten_words(index)
    waiting = _waiting(index.connection)
    if most_bytes is not None and sum(end - start for _, _, start, end in waiting) > most_bytes:
        return 0
    paths = {path.name: path for path in list_segments(directory)}
    present = [each for each in waiting if each[1] in paths]
    steps = Steps([(paths[name], start) for _, name, start, _ in present], progress)
    return sum(
        _index_segment(index, number, paths[name], start, end, steps) for number, name, start, end in present
    )


def _waiting(connection: sqlite3.Connection) -> list[tuple[int, str, int, int]]:
    return connection.execute(
        "SELECT number, name, text_position, position FROM segments WHERE text_position < position "
        "ORDER BY number DESC"
    ).fetchall()


def _index_segment(index: Index, number: int, path: Path, start: int, end: int, steps: Steps) -> int:
    position, count = start, 0
    while position < end:
        with collector_paused():
            chunk = read_lines(path, position, min(BATCH_BYTES, end - position))
            if chunk.position <= position:
                break
            found = list(_texts(number << SEGMENT_SHIFT, end, chunk))
            reached = _write_words(index, number, position, min(chunk.position, end), found)
        if reached is None:
            break
        count += len(found)
        steps.advance(reached - position)
        position = reached
    return count


def _texts(base: int, end: int, chunk: Chunk) -> Iterator[tuple[int, str]]:
    """(address, text) of each record before `end`: what came later has no row yet, its words come with it."""
    for (offset, _), record in zip(chunk.lines, chunk.records, strict=True):
        if offset < min(end, OFFSET_MASK) and is_record(record) and record["kind"] != "opened":
            yield base + offset, searched_text(record)


def _write_words(
    index: Index, number: int, position: int, reached: int, found: list[tuple[int, str]]
) -> int | None:
    with index.transaction() as connection:
        now = connection.execute("SELECT text_position FROM segments WHERE number = ?", (number,)).fetchone()
        if now is None or now[0] != position:
            # Another process was faster, or the segment is gone.
            return None if now is None else int(now[0])
        connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", found)
        connection.execute("UPDATE segments SET text_position = ? WHERE number = ?", (reached, number))
    return reached


def _drop_forgotten_words(index: Index) -> None:
    """Start the full text over once words of removed segments outweigh the rest.

    A row of it can only be taken out with its text, and that went with the segment.
    """
    forgotten, kept = index.connection.execute(
        "SELECT (SELECT coalesce(sum(bytes), 0) FROM forgotten), (SELECT coalesce(sum(text_position), 0) FROM segments)"
    ).fetchone()
    if forgotten > max(kept, LITTLE_BYTES):
        with index.transaction() as connection:
            connection.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
            connection.execute("UPDATE segments SET text_position = 0")
            connection.execute("DELETE FROM forgotten")


def matching_records(connection: sqlite3.Connection, expression: str) -> Iterator[int]:
    """Addresses of records that have all the words, newest segments first."""
    query = "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid DESC"
    cursor = connection.execute(query, (expression,))
    while rows := list(islice(cursor, 256)):
        yield from (record for (record,) in rows)


def snippet_of(record: Record, terms: list[Term]) -> tuple[str, str, tuple[tuple[int, int], ...]] | None:
    """(field, text around the first match, marks); None when a phrase of the question is not in the record."""
    fields = list(searched_fields(record))
    whole = "\n".join(text for _, text in fields)
    patterns = [re.compile(term.pattern(), re.IGNORECASE) for term in terms]
    for term, pattern in zip(terms, patterns, strict=True):
        if len(term.words) > 1 and not pattern.search(whole):
            return None
    every = re.compile("|".join(each.pattern for each in patterns), re.IGNORECASE)
    for field, text in fields:
        first = every.search(text)
        if first:
            snippet = _cut(text, first.start())
            return field, snippet, tuple(found.span() for found in every.finditer(snippet))
    # The index folds more than case (é and e): the record fits, only its place cannot be shown.
    return (*(fields[0] if fields else ("", "")), ())


def _cut(text: str, at: int) -> str:
    start = max(at - _AROUND_CHARS, 0)
    end = min(at + 2 * _AROUND_CHARS, len(text))
    line = " ".join(text[start:end].split())
    return ("…" if start else "") + line + ("…" if end < len(text) else "")
