"""How much of each budget is spent, as samples. Worked out from the index, no more often than its price allows."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final, NamedTuple

from agent_trace.errors import StoreError
from agent_trace.metrics.tally import Names
from agent_trace.recording import process
from agent_trace.recording.forks import whole

_LEAST_AGE_S: Final = 1.0
_SHARE: Final = 20
"""At most a twentieth of it all is spent on working budgets out."""

logger = logging.getLogger("agent_trace")


class BudgetRow(NamedTuple):
    """One limit. The labels are tenant, agent, model (empty: it limits nobody by that) and window."""

    labels: tuple[str, ...]
    used: float
    limit_usd: float


class BudgetRows:
    """The budgets of the settings, as one store stands.

    at_once: bring the index up to date first, however long that takes; otherwise a thread of ours does that beside, and
        there are no rows until it has done so once.
    """

    def __init__(self, directory: Path, *, at_once: bool) -> None:
        self._directory = directory
        self._at_once = at_once
        self._rows: list[BudgetRow] = []
        self._again_s = 0.0

    def rows(self) -> list[BudgetRow]:
        """Every limit, as of now or shortly before; of a budget for each name, one for all who have spent anything."""
        now_s = time.monotonic()
        if now_s >= self._again_s:
            try:
                self._rows = self._worked_out()
            except (StoreError, OSError) as error:
                logger.debug("metrics: no budgets: %s", error)
            took_s = time.monotonic() - now_s
            self._again_s = now_s + max(_LEAST_AGE_S, _SHARE * took_s)
        return self._rows

    def _worked_out(self) -> list[BudgetRow]:
        settings = process.reread_settings()
        if settings.budgets is None:
            return []
        # Behind the question, for SQLite is loaded with it: most projects have no budgets.
        from agent_trace.spending.budgets import read_budgets
        from agent_trace.spending.states import work_out
        from agent_trace.spending.watching import is_current, watch
        from agent_trace.store import Store

        budgets = read_budgets(settings.budgets)
        if not budgets:
            return []
        if not self._at_once:
            watch(self._directory, budgets)
            if not is_current(self._directory):
                return []
            with whole, Store(self._directory) as store:
                states = work_out(store, budgets, time.time_ns())
        else:
            with Store(self._directory) as store:
                store.refresh()
                states = work_out(store, budgets, time.time_ns())
        return [
            BudgetRow(_labels(state.scope, state.window), float(state.percent) / 100, float(state.limit))
            for state in states
        ]


def bounded(rows: list[BudgetRow], names: Names) -> list[BudgetRow]:
    """The same with no more names than there may be; of those that share `other`, the one that is spent most."""
    found: dict[tuple[str, ...], BudgetRow] = {}
    for row in rows:
        tenant, agent, model, window = row.labels
        named = zip(("tenant_id", "agent_id", "model"), (tenant, agent, model), strict=True)
        labels = *(value and names.bounded(label, value) for label, value in named), window
        if labels not in found or found[labels].used < row.used:
            found[labels] = row._replace(labels=labels)
    return list(found.values())


def _labels(scope: dict[str, str], window: str) -> tuple[str, ...]:
    return scope.get("tenant", ""), scope.get("agent", ""), scope.get("model", ""), window
