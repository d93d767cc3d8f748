"""What a tenant or an agent spent, as a source tells it: calls by the other of both and by model, and how they add up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from agent_trace.costs.prices import add

NOTHING: Final = Decimal(0)


@dataclass(slots=True)
class Share:
    """What one party spent on one model. The key is "" for calls that say no agent, tenant or model."""

    party: str
    """The agent of a tenant, or the tenant of an agent."""
    model: str
    calls: int = 0
    """Observations that reported tokens or a cost."""
    invocations: int = 0
    """Observations of type `agent`."""
    unpriced: int = 0
    """Those of `calls` that `cost` is without."""
    cost: Decimal = NOTHING
    """US dollars."""
    tokens: dict[str, int] = field(default_factory=dict)
    """By class."""


class Unavailable(Exception):
    """A source cannot tell. Its text says why, in words."""


def by_party(shares: Iterable[Share]) -> dict[str, dict[str, Any]]:
    """Each party with its totals and `models`, the most expensive first."""
    grouped: dict[str, list[Share]] = {}
    for share in shares:
        grouped.setdefault(share.party, []).append(share)
    found = {party: _party(each) for party, each in grouped.items()}
    return dict(sorted(found.items(), key=_most_expensive_first))


def _most_expensive_first(item: tuple[str, Mapping[str, Any]]) -> tuple[Decimal, str]:
    return -(item[1]["total_cost"] or NOTHING), item[0]


def _party(shares: list[Share]) -> dict[str, Any]:
    calls, invocations = sum(each.calls for each in shares), sum(each.invocations for each in shares)
    models = {each.model: totals([each]) for each in shares if each.calls}
    return {
        **totals(shares),
        # Nobody opened an observation for the agent: then each call is one.
        "invocation_count": invocations or calls,
        "models": dict(sorted(models.items(), key=_most_expensive_first)),
    }


def totals(shares: Iterable[Share]) -> dict[str, Any]:
    """Cost, tokens and counts of all together. `total_cost` is None where there were calls and none could be priced."""
    cost, calls, unpriced, tokens = NOTHING, 0, 0, 0
    for each in shares:
        cost = add(cost, each.cost)
        calls += each.calls
        unpriced += each.unpriced
        tokens += sum(each.tokens.values())
    return {
        "total_cost": None if calls and calls == unpriced else cost,
        "total_tokens": tokens,
        "calls": calls,
        "unpriced_observations": unpriced,
    }
