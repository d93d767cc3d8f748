"""Rows in the types that `sqlite3` binds as they are, written in one go.

For whatever is not exactly an int, a float, a str or a bytearray, so for each None, bool and bytes, it looks for somebody's
adapter first. In a row of thirty columns that was a tenth of the time that an observation took to be indexed.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from math import nan
from types import NoneType
from typing import Any, Final

NULL: Final = nan
"""SQLite has no NaN: it is bound as NULL. https://www.sqlite.org/c3ref/bind_blob.html"""

blob: Final = bytearray
"""Bytes to be bound: an id."""


def write_rows(
    connection: sqlite3.Connection,
    into: str,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    ids: Collection[str],
) -> None:
    """Write rows with values for all `names` (`into`: what stands before these names); none of them is a bool.

    It goes by columns, for most have something in every row. A column with nothing at all is left out: the table has
    NULL there anyway, and to bind one takes as long as to bind a value.
    """
    if not rows:
        return
    present = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        # To look at truth and type is several times faster than to compare each value with None.
        kinds = set[type]() if all(column) else set(map(type, column))
        if kinds != {NoneType}:
            present[name] = _bound(column, name in ids, has_gaps=NoneType in kinds)
    connection.executemany(
        f"{into} ({', '.join(present)}) VALUES ({','.join('?' * len(present))})",
        zip(*present.values(), strict=True),
    )


def _bound(column: tuple[Any, ...], is_id: bool, *, has_gaps: bool) -> Iterable[object]:
    if has_gaps:
        return [NULL if each is None else blob(each) if is_id else each for each in column]
    return map(blob, column) if is_id else column
