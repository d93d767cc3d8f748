"""Every kind of page that a store gives, by name: where tests go, and where the screenshots are taken."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from agent_trace.observation import Observation
from agent_trace.store import Store
from tests.support.sites import Site

PAGES: Final = (
    *(
        "traces",
        "traces of one agent",
        "traces not found",
        "trace",
        "transcript",
        "trace as JSON",
        "long trace",
    ),
    *("generation", "observation with an error", "observation with a signal"),
    *("sessions", "agents", "costs", "signals", "status", "no such trace"),
)
"""Of a store in which there is something."""

CHARTS: Final = ("costs", "signals")
"""Pages with charts."""

REFUSED: Final = ("no such trace",)
"""Pages that answer with a status of 4xx, which browsers note as an error of their own."""

_FIXED: Final = {
    "traces": "/",
    "traces not found": "/?q=zyzzyvagram",
    "no such trace": "/traces/ffffffffffff",
    **{page: f"/{page}" for page in ("sessions", "agents", "costs", "signals", "status")},
}
_VIEWS: Final = {"trace": "", "transcript": "?view=transcript", "trace as JSON": "?view=json"}
_WANTED: Final[dict[str, Callable[[Observation], object]]] = {
    "generation": lambda each: each.type == "generation" and each.usage,
    "observation with an error": lambda each: each.error,
    "observation with a signal": lambda each: each.signal,
}


def path_of(page: str, site: Site) -> str:
    """Path and query of a page; of traces and observations the most telling one of the store."""
    if page in _FIXED:
        return _FIXED[page]
    with Store(site.store) as store:
        rows = store.traces(limit=50)
        telling = max(rows, key=lambda row: (bool(row.signals), row.status == "error", row.observations))
        if page == "traces of one agent":
            return "/?" + urlencode({"agent": telling.agent_id})
        if page == "long trace":
            return f"/traces/{max(rows, key=lambda row: row.observations).trace_id}"
        if page in _VIEWS:
            return f"/traces/{telling.trace_id}{_VIEWS[page]}"
        found = next(filter(_WANTED[page], store.trace(telling.trace_id).observations))
        return f"/traces/{found.trace_id}?observation={found.id}"
