"""Costs: over time, by tenant, agent and model, what is left of each budget, and, when asked, what could be saved."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from agent_trace import settings
from agent_trace.costs import price_source
from agent_trace.reporting import sums
from agent_trace.spending.budgets import budgets_of
from agent_trace.spending.savings import look_for_savings
from agent_trace.spending.states import BudgetState, work_out
from agent_trace.store.answers import CostKey, CostRow
from agent_trace.store.filter import Filter
from agent_trace.store.store import Store
from agent_trace.viewer.narrowing import chosen, narrowed
from agent_trace.viewer.offers import names_of
from agent_trace.viewer.page import Content, Page, Question
from agent_trace.viewer.spending_chart import spending_chart

_PARTS: Final = ("since", "until", "tenant", "agent", "model")
_KEYS: Final[tuple[CostKey, ...]] = ("agent", "tenant", "model")
_MOST: Final = 25
_MOST_OF_ONE: Final = 1_000
_LOOKED_AT: Final = 2_000
"""How many observations are read for what could be saved: a second's work, which has to be asked for."""


def content(question: Question) -> Content:
    """What was spent by all that fits.

    `by`: what the chart is in layers of. `all`: the table of which more than the first rows are told.
    """
    store = question.store
    where, typed = narrowed(question.query, _PARTS)
    by: Any = chosen(question.query, "by", _KEYS)
    everything = chosen(question.query, "all", ("", *_KEYS))
    store.refresh()
    daily = store.costs(where, by=("day", by), refresh=False)
    whole = sums.total_of(daily)
    rows = {key: _rows(store, where, key, by, daily) for key in _KEYS}
    budgets, problems = _budgets(store)
    return {
        "total": _figures(whole, whole),
        "tables": {key: _table(rows[key], whole, everything == key) for key in _KEYS},
        "chart": spending_chart(daily, by),
        "by": by,
        "budgets": budgets,
        "budget_problems": problems,
        "savings": _savings(store, where) if question.query.get("savings") else None,
        "prices": price_source(),
        "filter": typed,
        "filters": _PARTS,
        "names": names_of(store),
    }


def _rows(
    store: Store, where: Filter, key: CostKey, by: CostKey, daily: Sequence[CostRow]
) -> Sequence[CostRow]:
    """What was spent by one key. Where the days tell it already, by `by`, that is one question less."""
    if key == by:
        return _whole(daily)
    only = {"tenant": where.tenant, "model": where.model}.get(key)
    if only:
        return [replace(sums.total_of(daily), key=only)] if daily else []
    return store.costs(where, by=key, refresh=False)


def _whole(daily: Sequence[CostRow]) -> list[CostRow]:
    """Rows by day and name as rows by name, the most expensive first."""
    by_name: dict[str, list[CostRow]] = {}
    for row in daily:
        by_name.setdefault(row.keys[1], []).append(row)
    found = [replace(sums.total_of(rows), key=name) for name, rows in by_name.items()]
    return sorted(found, key=lambda row: (-(row.total if row.total is not None else -1), -row.calls, row.key))


def _table(rows: Sequence[CostRow], whole: CostRow, everything: bool) -> dict[str, Any]:
    """The most expensive rows, and the sum of those that are not told one by one."""
    most = _MOST_OF_ONE if everything else _MOST
    rest = rows[most:]
    return {
        "rows": [_figures(row, whole) for row in rows[:most]],
        "rest": {**_figures(sums.total_of(rest), whole), "count": len(rest)} if rest else None,
        "expandable": bool(rest) and not everything,
    }


def _figures(row: CostRow, whole: CostRow) -> dict[str, Any]:
    """`cost` in US dollars, None where nothing of it could be priced; `share` from 0 to 1."""
    tokens = sums.token_sums(row)
    part = sums.share(row.total, whole.total)
    return {
        "name": row.key,
        "cost": row.total,
        "share": None if part is None else round(float(part), 6),
        "calls": row.calls,
        "unpriced": row.unpriced,
        "tokens": row.tokens,
        "input_tokens": tokens.going_in,
        "cached_tokens": tokens.cached,
        "output_tokens": tokens.coming_out,
        "all_tokens": tokens.everything,
    }


def _budgets(store: Store) -> tuple[list[dict[str, Any]], list[str]]:
    """How each budget of the settings stands, and why others are not kept to."""
    budgets, problems = budgets_of(settings.load().budgets)
    states = work_out(store, budgets, time.time_ns()) if budgets else []
    return [_state(each) for each in states], problems


def _state(state: BudgetState) -> dict[str, Any]:
    return {
        **asdict(state),
        "scope_text": state.scope_text,
        "percent": round(float(state.percent), 2),
        "level": state.level,
        "rolling": state.window not in ("hour", "day", "month"),
    }


def _savings(store: Store, where: Filter) -> Any:
    newest = list(store.observations(where, limit=_LOOKED_AT, refresh=False))
    return look_for_savings(reversed(newest))


PAGE = Page("costs", "/costs", "costs.html", content, title="Costs", charts=True)
