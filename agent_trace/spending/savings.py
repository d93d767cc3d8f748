"""What could be saved: cheaper models of the same family, prompts sent again, retries that were paid for.

Estimates, to be looked at by a person: nothing here knows whether the cheaper model would have done.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import orjson

from agent_trace.costs import price
from agent_trace.costs.prices import add, multiply
from agent_trace.observation import Observation

LEAST_PREFIX_TOKENS: Final = 1_024
"""Providers cache no shorter prefix."""
_SIZES: Final = (
    (1_000, "up to 1 k"),
    (4_000, "1 k to 4 k"),
    (16_000, "4 k to 16 k"),
    (64_000, "16 k to 64 k"),
)
_LARGEST: Final = "over 64 k"
_FAMILY: Final = re.compile(r"^(?:.*/)?([a-z]+)", re.IGNORECASE)
_PROMPT: Final = ("input", "cache_read", "cache_write", "audio_input", "image_input")
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class CheaperModel:
    """A model whose family has a cheaper one that is used for prompts of that size."""

    model: str
    cheaper: str
    prompts: str
    """How long the prompts are, in tokens."""
    calls: int
    spent: Decimal
    saving: Decimal
    """US dollars less, had the cheaper one been asked with the same tokens."""


@dataclass(slots=True)
class Savings:
    """What could be saved of the generations that were looked at."""

    looked_at: int = 0
    cheaper: list[CheaperModel] = field(default_factory=list)
    repeated_calls: int = 0
    """Generations whose prompt begins as an earlier one of the same model did."""
    repeated_tokens: int = 0
    """Tokens of these beginnings that were not read from a cache."""
    repeated_saving: Decimal = ZERO
    """US dollars less, had they been."""
    retries: int = 0
    """Generations that were asked again with the very same input, in the same place."""
    retries_cost: Decimal = ZERO
    """What those asked before the last of them cost."""


@dataclass(slots=True)
class _Asked:
    """Generations of one model with prompts of one size."""

    calls: int = 0
    spent: Decimal = ZERO
    at_ns: int = 0
    usage: dict[str, int] = field(default_factory=dict)


def look_for_savings(observations: Iterable[Observation]) -> Savings:
    """Go through observations, oldest first."""
    savings = Savings()
    sizes: dict[str, dict[str, _Asked]] = {}
    begun: set[tuple[str | None, bytes]] = set()
    tried: dict[tuple[object, ...], Decimal] = {}
    for each in observations:
        if each.type != "generation" or not each.usage:
            continue
        savings.looked_at += 1
        if each.model is not None and each.total_cost is not None:
            _add(sizes.setdefault(_size(each.usage), {}).setdefault(each.model, _Asked()), each)
        prefixes = list(_prefixes(each.input))
        if prefixes:
            _note_retry(savings, tried, each, prefixes[-1][0])
            _note_repetition(savings, begun, each, prefixes)
    savings.cheaper = sorted(_cheaper(sizes), key=lambda found: -found.saving)
    return savings


def _prompt_tokens(usage: Mapping[str, int]) -> int:
    return sum(usage.get(each, 0) for each in _PROMPT)


def _size(usage: Mapping[str, int]) -> str:
    tokens = _prompt_tokens(usage)
    return next((name for most, name in _SIZES if tokens <= most), _LARGEST)


def _add(asked: _Asked, observation: Observation) -> None:
    asked.calls += 1
    asked.spent = add(asked.spent, observation.total_cost or ZERO)
    asked.at_ns = max(asked.at_ns, observation.start_ns)
    for name, count in (observation.usage or {}).items():
        asked.usage[name] = asked.usage.get(name, 0) + count


def _cheaper(sizes: Mapping[str, Mapping[str, _Asked]]) -> Iterator[CheaperModel]:
    for size, models in sizes.items():
        for model, asked in models.items():
            others = [each for each in models if each != model and _family(each) == _family(model)]
            costs = [(cost, each) for each in others if (cost := _cost_with(each, asked)) is not None]
            cost, cheaper = min(costs, default=(asked.spent, model))
            if cost < asked.spent:
                yield CheaperModel(model, cheaper, size, asked.calls, asked.spent, asked.spent - cost)


def _family(model: str) -> str:
    found = _FAMILY.match(model)
    return found[1].lower() if found else model


def _cost_with(model: str, asked: _Asked) -> Decimal | None:
    """What the same tokens cost with another model. Tiers go by one call, so an average one is priced."""
    average = {name: count // asked.calls for name, count in asked.usage.items()}
    cost = price(model, average, asked.at_ns)
    return None if cost is None else multiply(cost.total, Decimal(asked.calls))


def _prefixes(given: object) -> Iterator[tuple[bytes, int]]:
    """(hash, length) of each beginning of a prompt, message by message; the last one is all of it."""
    messages = given.get("messages", given) if isinstance(given, dict) else given
    hashed, length = hashlib.blake2b(digest_size=16), 0
    for message in messages if isinstance(messages, list) else [messages]:
        written = orjson.dumps(message)
        length += len(written)
        hashed.update(written)
        yield hashed.digest(), length


def _note_retry(
    savings: Savings, tried: dict[tuple[object, ...], Decimal], observation: Observation, prompt: bytes
) -> None:
    place = observation.trace_id, observation.parent_id, observation.name, observation.model, prompt
    before = tried.get(place)
    if before is not None:
        savings.retries += 1
        savings.retries_cost = add(savings.retries_cost, before)
    tried[place] = observation.total_cost or ZERO


def _note_repetition(
    savings: Savings,
    begun: set[tuple[str | None, bytes]],
    observation: Observation,
    prefixes: list[tuple[bytes, int]],
) -> None:
    usage: dict[str, Any] = observation.usage or {}
    known = max((length for prefix, length in prefixes if (observation.model, prefix) in begun), default=0)
    begun.update((observation.model, prefix) for prefix, _ in prefixes)
    tokens = _prompt_tokens(usage) * known // max(prefixes[-1][1], 1)
    missed = min(tokens - usage.get("cache_read", 0), usage.get("input", 0))
    # A prefix is known in characters; what it is in tokens is an estimate, a few of which are no finding.
    if tokens < LEAST_PREFIX_TOKENS or missed * 10 < tokens:
        return
    savings.repeated_calls += 1
    savings.repeated_tokens += missed
    as_sent = price(observation.model, {"input": missed}, observation.start_ns)
    cached = price(observation.model, {"cache_read": missed}, observation.start_ns)
    if as_sent is not None and cached is not None:
        savings.repeated_saving = add(savings.repeated_saving, as_sent.total - cached.total)
