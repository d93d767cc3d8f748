"""Who spent what: the cost tracker, its two sources, budgets, and what could be saved. A reader of the store."""

from agent_trace.spending.states import BudgetState
from agent_trace.spending.tracker import CostTracker
from agent_trace.spending.watching import on_budget_change

__all__ = ["BudgetState", "CostTracker", "on_budget_change"]
