"""Sessions, the one that something happened in last first: what they came to, and where their traces are."""

from typing import Final

from agent_trace.viewer.cursors import cursor, key_of
from agent_trace.viewer.narrowing import narrowed
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import Content, Page, Question

_ROWS: Final = 50
_PARTS: Final = ("since", "until", "tenant", "agent", "model", "session", "signal")


def content(question: Question) -> Content:
    """Sessions that have anything that fits; `older` is the `before` of the page after this one."""
    where, typed = narrowed(question.query, _PARTS)
    before = key_of(question.query.get("before"))
    sessions = question.store.sessions(where, limit=_ROWS + 1, before_key=before)
    shown, more = sessions[:_ROWS], len(sessions) > _ROWS
    return {
        "sessions": shown,
        "older": cursor(shown[-1].last_ns, shown[-1].session_id) if more else None,
        "newest": before is None,
        "filter": typed,
        "filters": _PARTS,
        "names": names_of(question.store),
    }


PAGE = Page("sessions", "/sessions", "sessions.html", content, title="Sessions")
