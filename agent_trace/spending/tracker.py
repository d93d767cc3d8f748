"""`CostTracker`: what a tenant or an agent spent, from the store or from Langfuse, exact or not at all."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Protocol

from agent_trace.errors import SettingError
from agent_trace.recording.process import reread_settings
from agent_trace.settings import Settings, load
from agent_trace.settings_table import TABLE
from agent_trace.spending.local import LocalSource, Whose
from agent_trace.spending.shares import Share, Unavailable, by_party, totals

SourceName = Literal["auto", "local", "langfuse"]
NS_A_DAY: Final = 86_400 * 1_000_000_000


class Source(Protocol):
    """Whoever knows what was spent."""

    @property
    def name(self) -> str:
        """`local` or `langfuse`."""

    @property
    def prices(self) -> str:
        """What the figures rest on."""

    def shares(self, whose: Whose, id: str, since_ns: int) -> list[Share]:
        """What was spent since a time. Raises Unavailable."""


class CostTracker:
    """Tells what was spent, by tenant and by agent. Money is in US dollars, as exact `Decimal`s.

        costs = await CostTracker().get_tenant_costs("acme", period_days=7)
        costs["total_cost"], costs["agents"]["analyst"]["models"]

    settings: None for those in force; a `Settings`, a mapping of settings by name, or an object with attributes named
        like settings or variables.
    source: `local`, the store on this machine; `langfuse`, its API (keys must be set); `auto`, the first of both that
        can tell.

    Nothing is raised when nobody can tell: then `source` is "unavailable", `total_cost` None, and `reason` says why.
    Raises SettingError for a source or a setting that does not exist.
    """

    def __init__(
        self, settings: Settings | Mapping[str, Any] | object | None = None, source: SourceName = "auto"
    ) -> None:
        if source not in ("auto", "local", "langfuse"):
            raise SettingError(f"there is no source {source!r}: say 'auto', 'local' or 'langfuse'")
        self._settings = _settings(settings)
        self._sources = list(_sources(self._settings, source))

    async def get_tenant_costs(self, tenant_id: str, period_days: float = 30) -> dict[str, Any]:
        """What a tenant spent in the last `period_days` times 24 hours, by agent.

        `{"tenant_id", "period_days", "agents": {agent_id: {…}}, "total_cost", "total_tokens", "calls",
        "unpriced_observations", "source", "prices"}`. Each agent has `total_cost`, `total_tokens`, `calls` (observations
        that reported tokens or a cost), `unpriced_observations` (those of them that nobody could price, and that the cost
        is without), `invocation_count` (its observations of type `agent`; where it has none, its calls) and `models`, with
        the same figures by model. "" stands for calls without an agent or model. `source` is "local", "langfuse" or
        "unavailable"; `prices` what the figures rest on, such as `genai-prices 0.2.3`.
        """
        return await asyncio.to_thread(self.get_tenant_costs_sync, tenant_id, period_days)

    async def get_agent_costs(self, agent_id: str, period_days: float = 30) -> dict[str, Any]:
        """What an agent spent, by tenant: the same as `get_tenant_costs` with `agent_id` and `tenants`."""
        return await asyncio.to_thread(self.get_agent_costs_sync, agent_id, period_days)

    def get_tenant_costs_sync(self, tenant_id: str, period_days: float = 30) -> dict[str, Any]:
        """The same as `get_tenant_costs`, for code that does not await."""
        return self._costs("tenant", tenant_id, period_days, "agents")

    def get_agent_costs_sync(self, agent_id: str, period_days: float = 30) -> dict[str, Any]:
        """The same as `get_agent_costs`, for code that does not await."""
        return self._costs("agent", agent_id, period_days, "tenants")

    def _costs(self, whose: Whose, id: str, period_days: float, parties: str) -> dict[str, Any]:
        if not period_days > 0:
            raise SettingError(f"period_days = {period_days!r}: say a number of days above 0")
        since_ns = max(time.time_ns() - int(period_days * NS_A_DAY), 0)
        head = {f"{whose}_id": id, "period_days": period_days}
        reasons = []
        for source in self._sources:
            try:
                shares = source.shares(whose, id, since_ns)
            except Unavailable as error:
                reasons.append(str(error))
                continue
            figures = {parties: by_party(shares), **totals(shares)}
            return {**head, **figures, "source": source.name, "prices": source.prices}
        return {**head, parties: {}, **_UNKNOWN, "source": "unavailable", "reason": "; ".join(reasons)}


_UNKNOWN: Final = {
    "total_cost": None,
    "total_tokens": None,
    "calls": None,
    "unpriced_observations": None,
    "prices": None,
}


def _settings(given: Settings | Mapping[str, Any] | object | None) -> Settings:
    if given is None:
        return reread_settings()
    if isinstance(given, Settings):
        return given
    if isinstance(given, Mapping):
        return load(given)
    return load(dict(_named(given)))


def _named(given: object) -> Iterator[tuple[str, Any]]:
    """The settings that an object has as attributes, by their own name or that of a variable."""
    for setting in TABLE:
        names = (setting.name, *setting.variables, *(each.lower() for each in setting.variables))
        value = next((found for name in names if (found := getattr(given, name, None)) is not None), None)
        if value is not None:
            secret = getattr(value, "get_secret_value", None)  # pydantic's SecretStr
            yield setting.name, value if secret is None else secret()


def _sources(settings: Settings, wanted: SourceName) -> Iterator[Source]:
    if wanted in ("auto", "local"):
        yield LocalSource(settings)
    if wanted == "langfuse" or (wanted == "auto" and settings.public_key and settings.secret_key):
        from agent_trace.spending.langfuse import LangfuseSource

        yield LangfuseSource(settings)
