"""Looking for a text inside one trace: in names, inputs, outputs, errors and metadata of its observations."""

from collections.abc import Mapping
from typing import Final

from agent_trace.store import Filter, Store
from agent_trace.store.overviews import Entry, Outline
from agent_trace.store.words import texts_in

_MOST_SOUGHT: Final = 200


def sought(query: Mapping[str, str]) -> str:
    """What is looked for; empty when nothing is."""
    return query.get("q", "").strip()[:_MOST_SOUGHT]


def find(store: Store, outline: Outline, text: str) -> list[str]:
    """The ids of the observations in which a text stands, whatever the case, in the order of the tree.

    Reads all records of the trace; for no text, none.
    """
    wanted = text.casefold()
    if not wanted:
        return []
    found = {entry.id for entry in outline.entries if wanted in _told(entry)}
    where = Filter(trace_id=outline.trace_id)
    for observation in store.observations(where, newest_first=False, refresh=False):
        if observation.id not in found:
            content = "\n".join(texts_in(observation.to_record()))
            if wanted in content.casefold():
                found.add(observation.id)
    return [entry.id for entry in outline.entries if entry.id in found]


def _told(entry: Entry) -> str:
    """What the line of an observation says of it."""
    said = (
        entry.name,
        entry.type,
        entry.model,
        entry.agent,
        entry.signal,
        entry.id,
        entry.level.lower(),
        entry.state,
    )
    return "\n".join(filter(None, said)).casefold()
