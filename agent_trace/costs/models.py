"""Which entry of the price table a model name means, and that entry's rates on a day.

A name is tried as it is (`gpt-4o`, dated snapshots such as `gpt-4o-2024-08-06` too). Then a path that says
nothing is dropped (`models/gemini-2.5-pro`), and a first part that names a provider or a gateway is taken
for that (`openai/gpt-4o`, `azure/gpt-4o`, `bedrock/us.anthropic.…`, `openai:gpt-4o`). What stands in front
of a name and is neither stays unpriced: `ollama/deepseek-r1` runs at home and costs nothing the table
knows of. Fine-tuned names (`ft:…`) have prices of their own and are unpriced.
"""

import importlib
import importlib.util
import logging
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from agent_trace.recording.forks import import_whole

logger = logging.getLogger("agent_trace")

SILENT_PATHS: Final = (
    "models/",
    "publishers/google/models/",
    "publishers/anthropic/models/",
    "litellm_proxy/",
    "litellm/",
)
MAKERS: Final = ("openai", "anthropic", "google", "mistral", "cohere", "deepseek", "x-ai", "aws")
"""Asked for a bare name that the table's own search puts nowhere, such as `text-embedding-3-small`."""
PROVIDER_NAMES: Final[Mapping[str, str]] = {
    "gemini": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "google_genai": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "xai": "x-ai",
    "mistralai": "mistral",
}
"""How LiteLLM and others call a provider that the table knows by another name."""

REGION: Final = re.compile(r"^(?:us|eu|apac|global|jp|au|us-gov)\.(?=[a-z]+\.)")
"""Bedrock's cross-region names: `us.anthropic.claude-…` costs what `anthropic.claude-…` does."""

NS_A_SECOND: Final = 1_000_000_000
NS_A_DAY: Final = 86_400 * NS_A_SECOND

RATE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "audio_input": ("input_audio_mtok", "input_mtok"),
    "audio_output": ("output_audio_mtok", "output_mtok"),
    "audio_cache_read": ("cache_audio_read_mtok", "cache_read_mtok", "input_mtok"),
    "image_input": ("input_image_mtok", "input_mtok"),
    "image_output": ("output_image_mtok", "output_mtok"),
    "image_cache_read": ("cache_image_read_mtok", "cache_read_mtok", "input_mtok"),
    "video_input": ("input_video_mtok", "input_mtok"),
    "video_output": ("output_video_mtok", "output_mtok"),
}
"""Rates that may price each class of our usage, the most special first: the order `genai-prices` takes."""

INPUT_CLASSES: Final = frozenset(each for each, keys in RATE_KEYS.items() if keys[-1] == "input_mtok")


Rate = Any
"""US dollars for the table's unit, a million tokens mostly: a Decimal, or `TieredPrices` of them."""


class Rates:
    """What one model costs at one time, by our classes of usage."""

    __slots__ = ("_by_class", "_pico", "_starts", "_table", "request")

    def __init__(self, table: Mapping[str, Rate]) -> None:
        self._table = table
        self._by_class: dict[str, Rate | None] = {}
        self._pico: dict[tuple[str, int], int | None] = {}
        tiers = [tier.start for rate in table.values() for tier in getattr(rate, "tiers", ())]
        self._starts = sorted(set(tiers))
        self.request: Rate | None = table.get("requests_kcount")

    def __bool__(self) -> bool:
        return bool(self._table)

    def of(self, usage_class: str, inputs: int) -> Decimal | None:
        """Dollars for a million tokens of a class, when `inputs` input tokens are used in all; None if unknown."""
        rate = self._rate_of(usage_class)
        return rate if rate is None or type(rate) is Decimal else rate_at(rate, inputs)

    def tier(self, usage: Mapping[str, int]) -> int:
        """How many tiers the input tokens of a call are beyond, of all that any rate has."""
        return bisect_left(self._starts, inputs_of(usage)) if self._starts else 0

    def pico_a_token(self, usage_class: str, tier: int) -> int | None:
        """10**-12 dollars for one token in that tier, when that is a whole number and all that a call costs."""
        key = usage_class, tier
        if key not in self._pico:
            # The fewest tokens that are beyond so many tiers.
            inputs = self._starts[tier - 1] + 1 if tier else 0
            rate = None if self.request is not None else self.of(usage_class, inputs)
            pico = Decimal("0.5") if rate is None else rate * 1_000_000
            self._pico[key] = int(pico) if pico == int(pico) else None
        return self._pico[key]

    def _rate_of(self, usage_class: str) -> Rate | None:
        try:
            return self._by_class[usage_class]
        except KeyError:
            keys = (key for key in RATE_KEYS.get(usage_class, ()) if key in self._table)
            rate = self._by_class[usage_class] = self._table.get(next(keys, ""))
            return rate


def inputs_of(usage: Mapping[str, int]) -> int:
    """How many tokens of all went in: what tiers begin with."""
    return sum([count for each, count in usage.items() if each in INPUT_CLASSES])


def rate_at(rate: Rate, inputs: int) -> Decimal:
    """The rate of the highest tier that `inputs` tokens are beyond; it holds for all of them."""
    if isinstance(rate, Decimal):
        return rate
    reached = [tier.price for tier in rate.tiers if inputs > tier.start]
    decided: Decimal = reached[-1] if reached else rate.base
    return decided


class PricedModel:
    """One model of the table and, by day, what it costs."""

    __slots__ = ("_by_day", "_changes_within_a_day", "_model")

    def __init__(self, model: Any) -> None:
        self._model = model
        self._by_day: dict[int, Rates] = {}
        self._changes_within_a_day = isinstance(model.prices, list) and any(
            hasattr(each.constraint, "start_time") for each in model.prices
        )

    def rates(self, at_ns: int) -> Rates:
        """What the model costs at a time."""
        if self._changes_within_a_day:
            return self._look_up(at_ns)
        day = at_ns // NS_A_DAY
        found = self._by_day.get(day)
        if found is None:
            found = self._by_day[day] = self._look_up(at_ns)
        return found

    def _look_up(self, at_ns: int) -> Rates:
        at = datetime.fromtimestamp(at_ns // NS_A_SECOND, UTC)
        prices = vars(self._model.get_prices(at))
        return Rates(
            {key: rate for key, rate in prices.items() if rate is not None and not key.startswith("_")}
        )


@lru_cache(maxsize=4096)
def priced_model(name: str, provider: str | None = None) -> PricedModel | None:
    """The entry that a model name means, or None."""
    snapshot = _snapshot()
    if snapshot is None:
        return None
    for candidate, provider_id in _readings(name.strip().lower(), provider):
        try:
            _, model = snapshot.find_provider_model(candidate, None, provider_id, None)
        except LookupError:
            continue
        return PricedModel(model)
    return None


def _readings(name: str, provider: str | None) -> Iterator[tuple[str, str | None]]:
    """Each (name, provider) that the name may stand for, the most literal first."""
    if provider:
        provider_id = PROVIDER_NAMES.get(provider.lower(), provider.lower())
        yield name, provider_id
        yield name.rpartition("/")[2], provider_id
        return
    yield name, None
    path = next((each for each in SILENT_PATHS if name.startswith(each)), None)
    if path:
        yield from _readings(name.removeprefix(path), None)
    elif "/" in name or (":" in name and not name.startswith("ft:")):
        yield from _readings_with_a_provider(name)
    elif not name.startswith("ft:"):
        yield REGION.sub("", name), "aws"
        yield from ((name, maker) for maker in MAKERS)


def _readings_with_a_provider(name: str) -> Iterator[tuple[str, str | None]]:
    head, _, rest = name.partition("/" if "/" in name else ":")
    if rest:
        provider_id = PROVIDER_NAMES.get(head, head)
        yield rest, provider_id
        yield REGION.sub("", rest), provider_id
    if ":" in name and "/" not in name:
        yield name, "aws"


@cache
def _snapshot() -> Any:
    """The table inside the installed package, never one from the network; None when it is not usable.

    The import is late: it loads pydantic and an HTTP client, 0.3 s that only a question about money needs.
    """
    try:
        prices = import_whole("genai_prices.data")
        snapshots = import_whole("genai_prices.data_snapshot")
    except ImportError as error:
        logger.warning("no price is known: genai-prices cannot be imported (%s)", error)
        return None
    return snapshots.DataSnapshot(providers=prices.providers, from_auto_update=False)


@cache
def price_source() -> str:
    """The name and version of the table, as it stands in `cost.source`."""
    return f"genai-prices {_installed_version()}"


def _installed_version() -> str:
    # The name of a directory beside the package says it; `importlib.metadata` takes 40 ms to import.
    spec = importlib.util.find_spec("genai_prices")
    if spec is None or spec.origin is None:
        return "missing"
    beside = Path(spec.origin).parent.parent.glob("genai_prices-*.dist-info")
    versions = [path.name.removeprefix("genai_prices-").removesuffix(".dist-info") for path in beside]
    if len(versions) == 1:
        return versions[0]
    return str(importlib.import_module("importlib.metadata").version("genai-prices"))
