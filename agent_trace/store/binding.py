"""Values in the types that `sqlite3` binds as they are.

For whatever is not exactly an int, a float, a str or a bytearray, so for each None, bool and bytes, it looks for somebody's
adapter first. In a row of thirty columns that was a tenth of the time that an observation took to be indexed.
"""

from collections.abc import Iterable
from math import nan
from typing import Final

NULL: Final = nan
"""SQLite has no NaN: it is bound as NULL. https://www.sqlite.org/c3ref/bind_blob.html"""


def bound(values: Iterable[object]) -> list[object]:
    """A row to be written; ids are to be made `blob` beside it."""
    return [NULL if each is None else each for each in values]


blob: Final = bytearray
"""Bytes to be bound: an id."""
