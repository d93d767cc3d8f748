"""The list of traces: the newest that fit, what they come to, and where the list goes on."""

import time
from typing import Final

from agent_trace.store.totals import totals_of
from agent_trace.viewer.cursors import cursor, key_of
from agent_trace.viewer.filtering import asked, filter_of
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import Content, Page, Question

_ROWS: Final = 40


def content(question: Question) -> Content:
    """Traces that fit the filter, the newest first; `older` is the `before` of the page after this one.

    `totals` are those of everything that fits, not of this page alone. `looked_back_to_ns`: the page is not full, and
    traces from before that moment were not looked at.
    """
    where, before = filter_of(question.query), key_of(question.query.get("before"))
    page = question.store.trace_page(where, limit=_ROWS, before_key=before)
    is_all = before is None and page.older is None
    return {
        "traces": page.rows,
        "looked_back_to_ns": None if page.is_complete or page.older is None else page.older[0],
        # To find out that there are no more takes as long for the totals as it took for the list.
        "totals": totals_of(page.rows) if is_all else question.store.totals(where, refresh=False),
        "filter": asked(question.query),
        "older": None if page.older is None else cursor(*page.older),
        "names": names_of(question.store),
        "at_ns": time.time_ns(),
    }


PAGE = Page("traces", "/", "traces.html", content, title="Traces", json_path="/traces.json")
