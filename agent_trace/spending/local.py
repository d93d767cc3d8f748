"""What was spent, from the store on this machine."""

import threading
from typing import Final, Literal

from agent_trace.costs import price_source
from agent_trace.errors import StoreError
from agent_trace.recording import process
from agent_trace.recording.journal.control import read_flag
from agent_trace.settings import Settings
from agent_trace.spending.shares import NOTHING, Share, Unavailable
from agent_trace.store import CostRow, Filter, Store

Whose = Literal["tenant", "agent"]


class LocalSource:
    """Answers from one store, which stays open. Usable from any thread, one question at a time."""

    name: Final = "local"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._store: Store | None = None

    @property
    def prices(self) -> str:
        """What the figures rest on."""
        return price_source()

    def shares(self, whose: Whose, id: str, since_ns: int) -> list[Share]:
        """What a tenant has spent by agent and model, or an agent by tenant and model. Raises Unavailable."""
        self._must_be_on()
        where = (
            Filter(since_ns=since_ns, tenant=id) if whose == "tenant" else Filter(since_ns=since_ns, agent=id)
        )
        with self._lock:
            try:
                store = self._opened()
                rows = store.costs(where, by=("agent" if whose == "tenant" else "tenant", "model"), idle=True)
                if not rows and not store.traces(limit=1, refresh=False):
                    raise Unavailable("nothing was recorded yet")
            except (StoreError, OSError) as error:
                raise Unavailable(str(error)) from error
        return [_share(row) for row in rows]

    def _must_be_on(self) -> None:
        # This process's own switch says nothing of a store that somebody else records into.
        is_ours = process.has_started() and process.current().settings.directory == self._settings.directory
        on = process.is_on() if is_ours else self._settings.enabled
        if not on or read_flag(self._settings.directory) is False:
            raise Unavailable("recording is switched off, so that what was recorded is not all there was")

    def _opened(self) -> Store:
        if self._store is None:
            self._store = Store(self._settings.directory)
        return self._store


def _share(row: CostRow) -> Share:
    party, model = row.keys
    cost = NOTHING if row.total is None else row.total
    return Share(party, model, row.calls, row.invocations, row.unpriced, cost, row.tokens)
