"""The gate: whether the next request to a model may be made. Looks at a file now and then; all else happens elsewhere."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from agent_trace.errors import BudgetExceeded
from agent_trace.recording.recorder import READ_TYPES
from agent_trace.spending.budgets import Budget, read_budgets
from agent_trace.spending.states import EXCEEDED, STATES, BudgetState, read_states
from agent_trace.spending.watching import watch

if TYPE_CHECKING:
    from agent_trace.recording.steps import Asking
    from agent_trace.settings import Settings

LOOK_S: Final = 0.2
_MOST_KNOWN: Final = 10_000
_Names = tuple[str | None, str | None, str | None, str | None]


class Gate:
    """Called with every call before it is made, or its span; gives the error to raise in its place, or None."""

    def __init__(self, settings: Settings, budgets: tuple[Budget, ...]) -> None:
        self._settings = settings
        self._budgets = budgets
        self._path = os.fspath(settings.directory / STATES)
        self._look_at_s = 0.0
        self._seen: tuple[int, int] | None = None
        self._closed: list[tuple[Budget, BudgetState]] = []
        self._known: dict[_Names, BudgetState | None] = {}

    def __call__(self, call: Asking) -> BudgetExceeded | None:
        """Whether a budget that says to raise is spent for what this call is about."""
        now_s = time.monotonic()
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_S
            self._look()
        if not self._closed or call.type not in READ_TYPES:
            return None
        get = call.scope.get
        names = get("tenant_id"), get("agent_id"), get("agent_name"), call.model
        try:
            state = self._known[names]
        except KeyError:
            state = self._find(names)
        if state is None or time.time_ns() >= state.until_ns:
            return None
        return BudgetExceeded(_in_words(state))

    def _look(self) -> None:
        watch(self._settings.directory, self._budgets)
        try:
            found = os.stat(self._path)
        except OSError:
            self._seen, self._closed = None, []
            return
        seen = found.st_ino, found.st_mtime_ns
        if seen != self._seen:
            # Only what is a budget of this process too: another one may have others.
            states = [each for each in read_states(self._settings.directory) if each.level == EXCEEDED]
            self._closed = [pair for each in states if (pair := self._pair(each)) is not None]
            self._known, self._seen = {}, seen

    def _pair(self, state: BudgetState) -> tuple[Budget, BudgetState] | None:
        if state.on_exceeded != "raise":
            return None
        tenant, agent, model = map(state.scope.get, ("tenant", "agent", "model"))
        return Budget(tenant, agent, model, state.limit, state.window, "raise"), state

    def _find(self, names: _Names) -> BudgetState | None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        tenant, agent_id, agent_name, model = names
        named = {"tenant": tenant or "", "agent": agent_id or agent_name or "", "model": model or ""}
        found = (state for budget, state in self._closed if budget.scope_of(named) is not None)
        # Of several, the one that holds longest.
        state = self._known[names] = max(found, key=lambda each: each.until_ns, default=None)
        return state


def _in_words(state: BudgetState) -> str:
    return (
        f"the budget of {state.scope_text} is spent: ${state.spent:f} of ${state.limit:f} in its window "
        f"({state.window}). Raise the limit in the setting `budgets`, or wait until the window has passed"
    )


def make_gate(settings: Settings) -> Gate | None:
    """The gate that these settings ask for; None without budgets."""
    budgets = read_budgets(settings.budgets)
    return Gate(settings, budgets) if budgets else None
