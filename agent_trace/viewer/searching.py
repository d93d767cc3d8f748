"""Looking for a text inside one trace, and where to stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agent_trace.store import Store

_MOST_CHARACTERS: Final = 200
"""Of what is looked for."""
MOST_FOUND: Final = 1_000
"""Further ones are not told: nobody goes through them one by one."""


@dataclass(frozen=True, slots=True)
class Finds:
    """Ids of observations, in the order of the tree. `more`: these are the first of them."""

    ids: list[str] = field(default_factory=list)
    more: bool = False


def sought(query: Mapping[str, str]) -> str:
    """What is looked for; empty when nothing is."""
    return query.get("q", "").strip()[:_MOST_CHARACTERS]


def find(store: Store, trace_id: str, text: str) -> Finds:
    """The first 1,000 observations of a trace in which a text stands, whatever the case; for no text, none."""
    ids = store.find_in_trace(trace_id, text) if text else []
    return Finds(ids[:MOST_FOUND], len(ids) > MOST_FOUND)
