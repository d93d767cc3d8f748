"""The list of traces: the newest that fit, what they come to, and where the list goes on."""

import time
from typing import Final

from agent_trace.viewer.cursors import cursor, key_of
from agent_trace.viewer.filtering import asked, filter_of
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import Content, Page, Question

_ROWS: Final = 40


def content(question: Question) -> Content:
    """Traces that fit the filter, the newest first; `older` is the `before` of the page after this one.

    `totals` are those of everything that fits, not of this page alone.
    """
    where, before = filter_of(question.query), key_of(question.query.get("before"))
    traces = question.store.traces(where, limit=_ROWS + 1, before_key=before)
    shown, more = traces[:_ROWS], len(traces) > _ROWS
    return {
        "traces": shown,
        "totals": question.store.totals(where, refresh=False),
        "filter": asked(question.query),
        "older": cursor(shown[-1].start_ns, shown[-1].trace_id) if more else None,
        "names": names_of(question.store),
        "at_ns": time.time_ns(),
    }


PAGE = Page("traces", "/", "traces.html", content, title="Traces", json_path="/traces.json")
