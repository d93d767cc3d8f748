"""Store: what was recorded, asked one question at a time. The SQL lives in the modules around it."""

from collections.abc import Iterator, Sequence
from typing import Any

from agent_trace.errors import NotFound
from agent_trace.observation import Observation
from agent_trace.store import agent_queries, cost_queries, queries, session_queries, signal_queries
from agent_trace.store.answers import (
    CostKey,
    CostRow,
    Match,
    Score,
    SignalRow,
    Trace,
    TracePage,
    TraceRow,
)
from agent_trace.store.asking import EVERYTHING
from agent_trace.store.filter import Filter
from agent_trace.store.finding import find_in_trace
from agent_trace.store.journal import StoredJournal
from agent_trace.store.names import Found, find_observation, find_trace
from agent_trace.store.neighbours import neighbours
from agent_trace.store.offering import offered_names
from agent_trace.store.outlines import has_opened, outline
from agent_trace.store.overviews import AgentRow, Names, Outline, SessionRow, Totals
from agent_trace.store.reading import PAGE, POINTERS
from agent_trace.store.refresh import Progress
from agent_trace.store.searching import search
from agent_trace.store.totals import totals
from agent_trace.store.tree import whole_trace


class Store(StoredJournal):
    """Read what was recorded in a directory, from any process and at any time.

    Every question first reads what is new in the journal into the index (`refresh`). Raises StoreMissing
    when nothing was recorded there yet, StoreTooNew when a newer version of this package did.
    """

    def traces(
        self,
        where: Filter = EVERYTHING,
        *,
        limit: int = 50,
        before: TraceRow | None = None,
        before_key: tuple[int, str] | None = None,
        refresh: bool = True,
    ) -> list[TraceRow]:
        """The newest traces first; `before` is the last row of the page before this one.

        `before_key` is the same as `(start_ns, trace_id)`.
        """
        key = before_key if before is None else (before.start_ns, before.trace_id)
        return self._ask_about(
            where,
            refresh,
            lambda asked: queries.trace_rows(self._index.connection, self._liveness(), asked, limit, key),
        )

    def trace_page(
        self, where: Filter, *, limit: int, before_key: tuple[int, str] | None = None
    ) -> TracePage:
        """The same for somebody who waits: for a text that many have, it goes through some thousand traces at most."""
        return self._ask_about(
            where,
            True,
            lambda asked: queries.trace_page(
                self._index.connection, self._liveness(), asked, limit, before_key
            ),
        )

    def totals(self, where: Filter = EVERYTHING, *, refresh: bool = True) -> Totals:
        """The sums of all traces that fit: of everything that `traces` would list."""
        return self._ask_about(where, refresh, lambda asked: totals(self._index.connection, asked))

    def sessions(
        self,
        where: Filter = EVERYTHING,
        *,
        limit: int = 50,
        before_key: tuple[int, str] | None = None,
        refresh: bool = True,
    ) -> list[SessionRow]:
        """Sessions, those with the newest observations first.

        A session fits when one of its observations fits the text fields; time, cost and duration are asked of the
        session as a whole. `before_key` is `(last_ns, session_id)` of the last row of the page before this one.
        """
        return self._ask_about(
            where,
            refresh,
            lambda asked: session_queries.session_rows(self._index.connection, asked, limit, before_key),
        )

    def agents(self, where: Filter = EVERYTHING, *, refresh: bool = True) -> list[AgentRow]:
        """What each agent did, of the observations that fit; the most called first."""
        return self._ask_about(
            where, refresh, lambda asked: agent_queries.agent_rows(self._index.connection, asked, self._rows)
        )

    def names(self, *, refresh: bool = True) -> Names:
        """Agents, tenants, models and the like to choose from, those that occur most first."""
        if refresh:
            self.refresh()
        return self._ask(lambda: offered_names(self._index.connection))

    def observations(
        self,
        where: Filter = EVERYTHING,
        *,
        limit: int | None = None,
        newest_first: bool = True,
        refresh: bool = True,
    ) -> Iterator[Observation]:
        """Whole observations, amendments merged and cost filled in; those still open have kind "opened"."""
        asked = self._ask_about(where, refresh, lambda asked: asked)
        after, left = None, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self._ask(lambda at=after, n=size: self._reading().page(asked, at, newest_first, n))  # type: ignore[misc]
            for _, pointer in page:
                found = self._ask(lambda at=pointer: self._reading().observation(at))  # type: ignore[misc]
                if found is not None:
                    yield found
            if len(page) < size:
                return
            after = (page[-1][0], page[-1][1][0])
            left = None if left is None else left - size

    def trace(self, id_or_prefix: str) -> Trace:
        """One trace as a tree, by the id of it or of any observation in it, or the start of either.

        Raises NotFound or AmbiguousId.
        """
        self.refresh()
        return self._ask(lambda: self._trace(id_or_prefix))

    def outline(self, id_or_prefix: str) -> Outline:
        """One trace as lines in the order of its tree, from the index alone. Raises NotFound or AmbiguousId."""
        self.refresh()
        return self._ask(lambda: self._outline(self._found(id_or_prefix)))

    def find_in_trace(self, id_or_prefix: str, text: str, *, refresh: bool = True) -> list[str]:
        """The ids of the observations of a trace in which a text stands, whatever the case, in the order of the tree.

        It stands in what was recorded of an observation, in any string or number, or says how it stands: its level,
        `running`, `interrupted`. Unlike `search`, it need not be whole words. Raises NotFound or AmbiguousId.
        """
        if refresh:
            self.refresh()
        return self._ask(
            lambda: find_in_trace(
                self._index.connection,
                self._reading(),
                self._liveness(),
                self._found(id_or_prefix),
                text,
            )
        )

    def neighbours(self, id_or_prefix: str) -> tuple[str | None, str | None]:
        """The ids of the traces before and after one: in its session if it has one, else in time.

        Raises NotFound or AmbiguousId.
        """
        return self._ask(lambda: neighbours(self._index.connection, self._found(id_or_prefix)))

    def observation(self, id_or_prefix: str, *, refresh: bool = True) -> Observation:
        """One observation by its id or the start of it. Raises NotFound or AmbiguousId."""
        if refresh:
            self.refresh()
        return self._ask(lambda: self._observation(id_or_prefix))

    def amendments(self, id_or_prefix: str) -> list[dict[str, Any]]:
        """What was added to an observation after it was written, the oldest first, as it was written.

        Raises NotFound or AmbiguousId.
        """
        self.refresh()
        return self._ask(
            lambda: self._reading().added_to(find_observation(self._index.connection, id_or_prefix))
        )

    def scores(self, id_or_prefix: str) -> list[Score]:
        """The scores of a trace and of the observations in it, the oldest first. Raises NotFound or AmbiguousId."""
        self.refresh()
        records = self._ask(lambda: self._reading().scores(self._found(id_or_prefix)))
        return list(map(Score.from_record, records))

    def search(
        self,
        text: str,
        where: Filter = EVERYTHING,
        *,
        limit: int = 50,
        progress: Progress | None = None,
    ) -> list[Match]:
        """Observations with all of these words, newest first. "Quotes" hold a phrase, `word*` a beginning.

        Words are looked for in one record at a time: those of an amendment do not add to its observation's.
        """
        self.refresh(progress)
        self.refresh_text(progress)
        return self._ask(
            lambda: search(self._index.connection, self._reading(), text, self._narrowed(where), limit)
        )

    def signals(
        self,
        where: Filter = EVERYTHING,
        *,
        limit: int | None = None,
        before_key: tuple[int, str] | None = None,
        newest_first: bool = False,
        refresh: bool = True,
    ) -> list[SignalRow]:
        """Signals that were given, oldest first; with a limit, the newest so many.

        With `newest_first` they come in pages: `before_key` is `(at_ns, id)` of the last row of the page before.
        Those that one observation gave at one moment stay together, even where these are more than the limit.
        """
        ask = signal_queries.signal_page if newest_first else signal_queries.signal_list
        rows = self._ask_about(
            where, refresh, lambda asked: ask(self._index.connection, asked, limit, before_key)
        )
        return rows if newest_first else rows[::-1]

    def costs(
        self,
        where: Filter = EVERYTHING,
        by: CostKey | Sequence[CostKey] = "agent",
        *,
        idle: bool = False,
        limit: int | None = None,
        refresh: bool = True,
    ) -> list[CostRow]:
        """Tokens and cost by agent, tenant, model, session or day, or by several; the most expensive first.

        `idle`: also what was invoked and had neither tokens nor a cost itself, as rows with 0 calls.
        """
        keys = cost_queries.cost_keys(by)
        return self._ask_about(
            where,
            refresh,
            lambda asked: cost_queries.cost_list(self._index.connection, asked, keys, idle, limit),
        )

    def _outline(self, found: Found) -> Outline:
        def asked() -> Outline:
            return outline(self._index.connection, self._liveness(), found)

        # Whether what is open is still running, the index does not know.
        is_open = has_opened(self._index.connection, found.trace)
        return asked() if is_open else self._recall(("outline", found.trace), asked)

    def _found(self, id_or_prefix: str) -> Found:
        return find_trace(self._index.connection, id_or_prefix)

    def _trace(self, id_or_prefix: str) -> Trace:
        found = self._found(id_or_prefix)
        return whole_trace(self._index.connection, self._reading(), self._liveness(), found)

    def _observation(self, id_or_prefix: str) -> Observation:
        connection = self._index.connection
        found = find_observation(connection, id_or_prefix)
        query = f"SELECT {POINTERS} FROM observations AS o WHERE o.id = ? AND o.trace = ?"
        pointer = connection.execute(query, (bytes.fromhex(found.id), found.trace)).fetchone()
        observation = self._reading().observation(pointer)
        if observation is None:
            raise NotFound(f"the segment with {found.id} was removed just now")
        return observation
