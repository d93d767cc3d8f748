"""Profiles: what many observations have in common, kept once and known by a number.

There are few of them, so that whoever asks for an agent, a tenant or a model looks through these first.
"""

import sqlite3
from types import NoneType
from typing import Any, Final

import orjson

from agent_trace.store.records import Record, level_rank, text

PROFILE: Final = ("type", "level", "name", "model", "agent_id", "agent_name", "tenant_id")
Profile = tuple[str | None, int, str | None, str | None, str | None, str | None, str | None]
"""Values in the order of PROFILE."""
Known = dict[Profile, int]
"""Numbers of profiles that are in the index for good."""

_MOST_KNOWN: Final = 100_000
_FIND: Final = "SELECT number FROM profiles WHERE key = ?"
_ADD: Final = f"INSERT INTO profiles (key, {', '.join(PROFILE)}) VALUES (?{',?' * len(PROFILE)})"


class Profiles:
    """Numbers of profiles, given as they are asked for; nothing is ever taken back. For one transaction."""

    __slots__ = ("_connection", "_known", "_new", "_read")

    def __init__(self, connection: sqlite3.Connection, known: Known) -> None:
        self._connection = connection
        self._known = known
        self._new: Known = {}
        self._read: dict[tuple[Any, ...], tuple[int, Profile]] = {}

    def of(self, record: Record) -> tuple[int, Profile]:
        """The profile of a record with its number."""
        stated = tuple(map(record.get, PROFILE))
        try:
            return self._read[stated]
        except (KeyError, TypeError):  # the latter for a list or an object where a name should be
            type_, level, *names = stated
            profile: Profile = (text(type_), level_rank(level), *map(text, names))  # type: ignore[assignment]
        found = self._number_of(profile), profile
        # 1 and True are one key and two names: only what was text already is looked up by what was stated.
        if {str, NoneType}.issuperset(map(type, stated)):
            self._read[stated] = found
        return found

    def _number_of(self, profile: Profile) -> int:
        number = self._known.get(profile) or self._new.get(profile)
        return self._find(profile) if number is None else number

    def _find(self, profile: Profile) -> int:
        key = orjson.dumps(profile).decode()
        found = self._connection.execute(_FIND, (key,)).fetchone()
        if found is None:
            # It goes with this transaction if that fails: whoever comes after it has to look again.
            number = self._new[profile] = self._connection.execute(_ADD, (key, *profile)).lastrowid or 0
            return number
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        number = self._known[profile] = int(found[0])
        return number
