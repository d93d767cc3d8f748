"""Names to choose from: the agents, tenants, models, types and signals that occur most, and the newest sessions."""

import sqlite3
from typing import Final

from agent_trace.store.overviews import Names

MOST_OFFERED: Final = 50

_OF_DAYS: Final = {"agents": "agent", "tenants": "tenant", "models": "model"}
_OF_PROFILES: Final = {"types": "type", "names": "name"}


def offered_names(connection: sqlite3.Connection) -> Names:
    """Names of each kind, most used first."""
    return Names(
        **{kind: _of_days(connection, aspect) for kind, aspect in _OF_DAYS.items()},
        **{kind: _of_profiles(connection, column) for kind, column in _OF_PROFILES.items()},
        # In the order of their index, which is that of capital letters: nothing has to be sorted.
        signals=_listed(
            connection,
            "SELECT upper(action) AS name FROM signals INDEXED BY signals_by_action WHERE action <> '' "
            "GROUP BY action COLLATE NOCASE ORDER BY count(*) DESC, name LIMIT ?",
        ),
        sessions=_listed(
            connection, "SELECT session_id FROM sessions ORDER BY last_ns DESC, session_id DESC LIMIT ?"
        ),
    )


def _of_days(connection: sqlite3.Connection, aspect: str) -> list[str]:
    return _listed(
        connection,
        f"SELECT value FROM name_days WHERE aspect = '{aspect}' AND value <> '' "
        "GROUP BY value ORDER BY sum(observations) DESC, value LIMIT ?",
    )


def _of_profiles(connection: sqlite3.Connection, column: str) -> list[str]:
    return _listed(
        connection,
        f"SELECT {column} AS value FROM profiles WHERE value <> '' AND observations > 0 "
        "GROUP BY value ORDER BY sum(observations) DESC, value LIMIT ?",
    )


def _listed(connection: sqlite3.Connection, query: str) -> list[str]:
    return [name for (name,) in connection.execute(query, (MOST_OFFERED,))]
