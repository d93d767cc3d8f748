"""Prices of the project's own, by model pattern and date: the setting `prices`, read and looked up.

A table of model patterns, each with rates in US dollars for a million tokens, or a list of such, each with
the day from which it holds:

    [tool.agent_trace.prices."house-*"]
    input = 1.5
    output = 6

    [[tool.agent_trace.prices."gpt-4o"]]
    from = 2026-01-01
    input = 2.0
    output = 8.0

The most exact pattern wins, and of one pattern the latest that has begun. What cannot be used is warned of.
"""

import hashlib
import json
import logging
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

from agent_trace.costs.models import NS_A_DAY, RATE_KEYS, Rates

logger = logging.getLogger("agent_trace")

REQUEST: Final = "request"
"""Dollars for each call, whatever its tokens."""

_LEAST_DAY: Final = -(1 << 40)


class Override(NamedTuple):
    """What the models that a pattern fits cost from a day on."""

    pattern: str
    first_day: int
    """Days since 1970; UTC."""
    rates: Rates
    source: str

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Exact names first, then longer patterns, then later days."""
        return not set(self.pattern) & set("*?["), len(self.pattern), self.first_day


class Overrides:
    """The prices of one setting; `digest` tells one set of prices from another, and is empty for none."""

    def __init__(self, entries: tuple[Override, ...] = (), digest: str = "") -> None:
        self.digest = digest
        self._entries = sorted(entries, key=lambda each: each.rank, reverse=True)
        self._known: dict[tuple[str, int], Override | None] = {}

    def rates(self, model: str, at_ns: int) -> Override | None:
        """What a model costs at a time by the project's own prices; None where they say nothing of it."""
        if not self._entries:
            return None
        key = model, at_ns // NS_A_DAY
        if key not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[key] = self._look_up(model.strip().lower(), key[1])
        return self._known[key]

    def _look_up(self, name: str, day: int) -> Override | None:
        fitting = (
            each for each in self._entries if each.first_day <= day and fnmatchcase(name, each.pattern)
        )
        return next(fitting, None)


def read_overrides(given: object) -> Overrides:
    """The overrides of a `prices` setting: a path, or a table. What of it cannot be used is logged and left out."""
    if given is None:
        return Overrides()
    table, where = _load(given) if isinstance(given, Path) else (given, "prices")
    if table is None:
        return Overrides()
    if isinstance(table, Mapping) and isinstance(table.get("prices"), Mapping):
        table = table["prices"]
    if not isinstance(table, Mapping):
        logger.warning("%s: a table of models with their rates was expected, not %r", where, table)
        return Overrides()
    entries = tuple(_entries(table, where))
    written = json.dumps(table, sort_keys=True, default=str).encode()
    return Overrides(entries, hashlib.sha256(written).hexdigest()[:8] if entries else "")


def _load(path: Path) -> tuple[object, str]:
    try:
        text = path.read_text(encoding="utf-8")
        # The text of a number is the price; its binary value is not.
        table: object = (
            json.loads(text, parse_float=Decimal)
            if path.suffix == ".json"
            else tomllib.loads(text, parse_float=Decimal)
        )
    except (OSError, ValueError) as error:
        logger.warning("%s cannot be read (%s): the prices in it are not used", path, error)
        return None, str(path)
    return table, str(path)


def _entries(table: Mapping[str, object], where: str) -> Iterator[Override]:
    for pattern, given in table.items():
        for each in given if isinstance(given, list) else [given]:
            try:
                yield _entry(pattern.strip().lower(), each)
            except ValueError as error:
                logger.warning("%s: the price of %r is not used: %s", where, pattern, error)


def _entry(pattern: str, given: object) -> Override:
    if not isinstance(given, Mapping):
        raise ValueError("say rates, such as input = 2.5")
    rates = {_key(name): _rate(name, value) for name, value in given.items() if name != "from"}
    if not rates:
        raise ValueError("say rates, such as input = 2.5")
    since = given.get("from")
    source = f"prices: {pattern}" + (f" from {since}" if since is not None else "")
    return Override(pattern, _LEAST_DAY if since is None else _day(since), Rates(rates), source)


def _key(name: str) -> str:
    if name == REQUEST:
        return "requests_kcount"
    if name not in RATE_KEYS:
        raise ValueError(
            f"there is no class of tokens {name!r}; there are {', '.join(RATE_KEYS)} and {REQUEST}"
        )
    return RATE_KEYS[name][0]


def _rate(name: str, value: object) -> Decimal:
    try:
        rate = Decimal(str(value))
    except InvalidOperation:
        rate = Decimal("NaN")
    if isinstance(value, bool) or not rate.is_finite() or rate < 0:
        raise ValueError(f"{name} = {value!r} is no amount of US dollars")
    return rate * 1000 if name == REQUEST else rate


def _day(since: object) -> int:
    try:
        begins = since if isinstance(since, date) else date.fromisoformat(str(since))
    except ValueError:
        raise ValueError(f"from = {since!r} is no date; say 2026-01-31") from None
    return int(datetime(begins.year, begins.month, begins.day, tzinfo=UTC).timestamp()) * 10**9 // NS_A_DAY


_in_force: Overrides | None = None


def overrides() -> Overrides:
    """The prices that this process goes by, read from the settings when first asked for."""
    global _in_force
    if _in_force is None:
        from agent_trace.recording.process import reread_settings

        _in_force = read_overrides(reread_settings().prices)
    return _in_force


def use_overrides(given: Overrides | None) -> None:
    """Go by these prices from here on; None: by those of the settings, read again."""
    global _in_force
    _in_force = given
