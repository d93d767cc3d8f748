"""How budgets stand: worked out from the store, and kept in a small file that every process of the store reads.

The file is replaced as a whole, so that nobody reads half of one. It holds what has reached 80 % of its limit.
"""

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from agent_trace.costs.prices import add, divide, multiply
from agent_trace.spending.budgets import EACH, SCOPES, Budget, OnExceeded
from agent_trace.store import CostKey, CostRow, Filter, Store

STATES: Final = "budgets.json"
WARNED, EXCEEDED = 80, 100
"""Levels: per cent of the limit at which something is said."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """How much of a budget is spent."""

    scope: dict[str, str]
    """What is limited: name or pattern by `tenant`, `agent`, `model`."""
    limit: Decimal
    spent: Decimal
    """US dollars in this window."""
    unpriced: int
    """Observations that nobody could price: `spent` is without them."""
    window: str
    since_ns: int
    until_ns: int
    """When the window ends; for a rolling one, when all that was spent by now will have left it."""
    on_exceeded: OnExceeded

    @property
    def level(self) -> int:
        """0, 80 or 100."""
        if self.spent >= self.limit:
            return EXCEEDED
        return WARNED if self.percent >= WARNED else 0

    @property
    def percent(self) -> Decimal:
        """How much of the limit is spent, in per cent."""
        return divide(multiply(self.spent, Decimal(100)), self.limit)

    @property
    def identity(self) -> tuple[object, ...]:
        """Which limit in which window this is. A rolling window is always the same one."""
        since_ns = self.since_ns if self.window in ("hour", "day", "month") else 0
        return (*self.scope.items(), self.limit, self.window, since_ns, self.on_exceeded)

    @property
    def scope_text(self) -> str:
        """`tenant acme`, `agent analyst, model gpt-4o`."""
        return ", ".join(f"{kind} {name}" for kind, name in self.scope.items())


def work_out(store: Store, budgets: Iterable[Budget], now_ns: int) -> list[BudgetState]:
    """How every budget stands, by what the index of the store has; the fullest first."""
    found = [state for budget in budgets for state in _of_budget(store, budget, now_ns)]
    return sorted(found, key=lambda state: -state.percent)


def _of_budget(store: Store, budget: Budget, now_ns: int) -> list[BudgetState]:
    patterns, since_ns = budget.patterns, budget.begins_ns(now_ns)
    keys: list[CostKey] = [each for each in ("tenant", "agent", "model") if each in patterns]
    rows = store.costs(_narrowed(patterns, since_ns), by=keys, refresh=False)
    sums: dict[tuple[tuple[str, str], ...], tuple[Decimal, int]] = {}
    if EACH not in patterns.values():
        sums[tuple(patterns.items())] = Decimal(0), 0
    for row in rows:
        scope = budget.scope_of(_names(keys, row))
        if scope is not None:
            spent, unpriced = sums.get(tuple(scope.items()), (Decimal(0), 0))
            sums[tuple(scope.items())] = add(spent, row.total or Decimal(0)), unpriced + row.unpriced
    return [
        BudgetState(
            scope=dict(scope),
            limit=budget.limit,
            spent=spent,
            unpriced=unpriced,
            window=budget.window,
            since_ns=since_ns,
            until_ns=budget.ends_ns(now_ns),
            on_exceeded=budget.on_exceeded,
        )
        for scope, (spent, unpriced) in sums.items()
    ]


def _narrowed(patterns: dict[str, str], since_ns: int) -> Filter:
    tenant = patterns.get("tenant", EACH)
    # A name without wildcards is asked for; whatever else fits is picked out of the answer.
    return Filter(since_ns=since_ns, tenant=None if set(tenant) & set("*?[") else tenant)


def _names(keys: Sequence[str], row: CostRow) -> dict[str, str]:
    return dict.fromkeys(SCOPES, "") | dict(zip(keys, row.keys, strict=True))


def write_states(directory: Path, states: Iterable[BudgetState]) -> None:
    """Tell every process of the store which budgets have reached a level. Raises OSError."""
    reached = [{**asdict(state), "level": state.level} for state in states if state.level]
    temporary = directory / f"{STATES}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, orjson.dumps({"v": 1, "states": reached}, default=str))
    finally:
        os.close(descriptor)
    os.replace(temporary, directory / STATES)


def read_states(directory: Path) -> list[BudgetState]:
    """The budgets that had reached a level when somebody last looked; none where nobody did."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        content = orjson.loads((directory / STATES).read_bytes())
        return [_state(each) for each in content["states"]]
    return []


def _state(written: dict[str, Any]) -> BudgetState:
    amounts = {name: Decimal(written[name]) for name in ("limit", "spent")}
    return BudgetState(**{name: value for name, value in written.items() if name != "level"} | amounts)
