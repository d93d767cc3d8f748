"""What was spent, asked of Langfuse: all pages of its v2 observations, checked against the count of its v2 metrics.

Metrics alone would not do: they cannot be grouped by agent or tenant, which Langfuse has as metadata.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from agent_trace.costs.prices import add
from agent_trace.settings import Settings
from agent_trace.spending.langfuse_api import LangfuseApi
from agent_trace.spending.local import Whose
from agent_trace.spending.shares import NOTHING, Share, Unavailable

PAGE: Final = 1_000
_OBSERVATIONS: Final = "/api/public/v2/observations"
_METRICS: Final = "/api/public/v2/metrics"
_FIELDS: Final = "core,basic,usage,model,metadata"
_NAMED: Final = {"tenant": "tenant_id", "agent": "agent_id"}


class LangfuseSource:
    """Answers from the Langfuse project whose keys are set."""

    name: Final = "langfuse"
    prices: Final = "langfuse"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def shares(self, whose: Whose, id: str, since_ns: int) -> list[Share]:
        """What a tenant has spent by agent and model, or an agent by tenant and model. Raises Unavailable."""
        if not self._settings.public_key or not self._settings.secret_key:
            raise Unavailable("no Langfuse keys are set")
        since = datetime.fromtimestamp(since_ns // 10**9, UTC)
        until = datetime.now(UTC) + timedelta(days=1)
        party = _NAMED["agent" if whose == "tenant" else "tenant"]
        found: dict[tuple[str, str], Share] = {}
        with LangfuseApi(self._settings) as api:
            expected = _count(api, whose, id, since, until)
            read = set()
            for observation in _observations(api, whose, id, since, until) if expected else ():
                if observation.get("id") in read:
                    continue  # pages may overlap when something arrives in between
                read.add(observation.get("id"))
                _add(found, observation, party)
        if len(read) < expected:
            raise Unavailable(f"Langfuse gave {len(read)} of {expected} observations")
        return list(found.values())


def _filter(whose: Whose, id: str, since: datetime, until: datetime) -> list[dict[str, str]]:
    times = ((">=", since), ("<", until))
    named = {"type": "stringObject", "column": "metadata", "key": _NAMED[whose], "operator": "=", "value": id}
    return [
        named,
        *(
            {"type": "datetime", "column": "startTime", "operator": operator, "value": _stamp(at)}
            for operator, at in times
        ),
    ]


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _count(api: LangfuseApi, whose: Whose, id: str, since: datetime, until: datetime) -> int:
    query = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "filters": _filter(whose, id, since, until)[:1],
        "fromTimestamp": _stamp(since),
        "toTimestamp": _stamp(until),
    }
    rows = api.get(_METRICS, {"query": json.dumps(query)}).get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable("Langfuse's metrics have another form than its version 2")
    return sum(int(row.get("count_count") or row.get("count") or 0) for row in rows)


def _observations(
    api: LangfuseApi, whose: Whose, id: str, since: datetime, until: datetime
) -> Iterator[Mapping[str, Any]]:
    parameters = {
        "fields": _FIELDS,
        "expandMetadata": "agent_id,tenant_id",
        "limit": str(PAGE),
        "filter": json.dumps(_filter(whose, id, since, until)),
    }
    cursor = None
    while True:
        page = api.get(_OBSERVATIONS, parameters if cursor is None else {**parameters, "cursor": cursor})
        data, meta = page.get("data"), page.get("meta") or {}
        if not isinstance(data, list) or not isinstance(meta, dict):
            raise Unavailable("Langfuse's observations have another form than its version 2")
        yield from (each for each in data if isinstance(each, dict))
        before, cursor = cursor, meta.get("cursor")
        if not cursor:
            return
        if cursor == before:
            raise Unavailable("Langfuse gives the same page again and again")


def _add(found: dict[tuple[str, str], Share], observation: Mapping[str, Any], party: str) -> None:
    usage, cost = _usage(observation.get("usageDetails")), _cost(observation)
    is_agent = observation.get("type") == "AGENT"
    if not usage and cost is None and not is_agent:
        return
    key = (
        _text((observation.get("metadata") or {}).get(party)),
        _text(observation.get("model") or observation.get("providedModelName")),
    )
    share = found.setdefault(key, Share(*key))
    share.calls += bool(usage) or cost is not None
    share.invocations += is_agent
    share.unpriced += bool(usage) and cost is None
    share.cost = add(share.cost, cost or NOTHING)
    for name, count in usage.items():
        share.tokens[name] = share.tokens.get(name, 0) + count


def _usage(details: object) -> dict[str, int]:
    """Token counts by class; `total`, which counts the others again, only where it is all there is."""
    if not isinstance(details, dict):
        return {}
    counts = {name: count for name, count in details.items() if type(count) is int and count > 0}
    total = counts.pop("total", 0)
    return counts or ({"total": total} if total else {})


def _cost(observation: Mapping[str, Any]) -> Decimal | None:
    """The cost in US dollars. Langfuse says 0 where it knows no price: then there are no details."""
    total, details = observation.get("totalCost"), observation.get("costDetails")
    if total is None and isinstance(details, dict):
        total = details.get("total")
    if isinstance(total, bool) or not isinstance(total, int | float | Decimal):
        return None
    amount = Decimal(str(total))
    return amount if amount or details else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
