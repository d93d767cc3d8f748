"""Budgets: what a tenant, an agent or a model may cost in a window of time, as the setting `budgets` says it.

[[tool.agent_trace.budgets]]
tenant = "acme"             # or agent, model, or several; "*": each one has this limit
limit = 50                  # US dollars
window = "day"              # hour, day, month (UTC), or a rolling one: 24h, 7d
on_exceeded = "raise"       # or "warn"
"""

import logging
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from json import loads
from pathlib import Path
from typing import Final, Literal

logger = logging.getLogger("agent_trace")

SCOPES: Final = ("tenant", "agent", "model")
EACH: Final = "*"
NS: Final = 1_000_000_000
OnExceeded = Literal["warn", "raise"]

_KEYS: Final = frozenset({*SCOPES, "limit", "window", "on_exceeded"})
_ROLLING: Final = re.compile(r"(?:rolling\s+)?(\d+)\s*([mhdw])")
_DATE: Final = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})$")
_UNIT_S: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit for what fits all of the patterns that are set; "*" gives each name a limit of its own."""

    tenant: str | None
    agent: str | None
    model: str | None
    limit: Decimal
    """US dollars."""
    window: str
    """`hour`, `day`, `month`, or the length of a rolling one, such as `24h`."""
    on_exceeded: OnExceeded = "warn"

    @property
    def patterns(self) -> dict[str, str]:
        """What is limited: pattern by scope."""
        return {each: found for each in SCOPES if (found := getattr(self, each)) is not None}

    def scope_of(self, names: Mapping[str, str]) -> dict[str, str] | None:
        """Which limit the spending of these names counts for; None when it does not."""
        patterns = self.patterns
        # What a client asks for as `gpt-4o` comes back as `gpt-4o-2024-08-06`.
        names = {**names, "model": _DATE.sub("", names["model"])} if _is_undated(self.model) else names
        if not all(names[each] and fnmatchcase(names[each], pattern) for each, pattern in patterns.items()):
            return None
        return {each: names[each] if pattern == EACH else pattern for each, pattern in patterns.items()}

    def begins_ns(self, now_ns: int) -> int:
        """When the window that we are in began."""
        now = datetime.fromtimestamp(now_ns // NS, UTC)
        if self.window == "hour":
            return now_ns - now_ns % (3_600 * NS)
        if self.window == "day":
            return now_ns - now_ns % (86_400 * NS)
        if self.window == "month":
            return int(datetime(now.year, now.month, 1, tzinfo=UTC).timestamp()) * NS
        return now_ns - self._length_ns()

    def ends_ns(self, now_ns: int) -> int:
        """When the window that we are in ends; for a rolling one, when all that was spent by now has left it."""
        if self.window == "hour":
            return self.begins_ns(now_ns) + 3_600 * NS
        if self.window == "day":
            return self.begins_ns(now_ns) + 86_400 * NS
        if self.window == "month":
            begun = datetime.fromtimestamp(self.begins_ns(now_ns) // NS, UTC)
            return int((begun + timedelta(days=32)).replace(day=1).timestamp()) * NS
        return now_ns + self._length_ns()

    def _length_ns(self) -> int:
        return int(self.window[:-1]) * _UNIT_S[self.window[-1]] * NS


def _is_undated(model: str | None) -> bool:
    return model is not None and not _DATE.search(model)


def read_budgets(given: object) -> tuple[Budget, ...]:
    """The budgets of a `budgets` setting: a path, a list of tables, or one table. What cannot be used is logged."""
    budgets, problems = budgets_of(given)
    for problem in problems:
        logger.warning("%s", problem)
    return budgets


def budgets_of(given: object) -> tuple[tuple[Budget, ...], list[str]]:
    """The same, and in words what cannot be used of it."""
    problems: list[str] = []
    if given is None:
        return (), problems
    content, where = (_load(given, problems), str(given)) if isinstance(given, Path) else (given, "budgets")
    if isinstance(content, Mapping) and "budgets" in content:
        content = content["budgets"]
    listed = [content] if isinstance(content, Mapping) else content
    if not isinstance(listed, list):
        return (), [f"{where}: a list of budgets was expected, not {listed!r}"]
    return tuple(_usable(listed, where, problems)), problems


def _load(path: Path, problems: list[str]) -> object:
    try:
        text = path.read_text(encoding="utf-8")
        return (
            loads(text, parse_float=str) if path.suffix == ".json" else tomllib.loads(text, parse_float=str)
        )
    except (OSError, ValueError) as error:
        problems.append(f"{path} cannot be read ({error}): the budgets in it are not kept to")
        return []


def _usable(listed: list[object], where: str, problems: list[str]) -> Iterator[Budget]:
    for each in listed:
        try:
            yield _budget(each)
        except ValueError as error:
            problems.append(f"{where}: the budget {each!r} is not kept to: {error}")


def _budget(given: object) -> Budget:
    if not isinstance(given, Mapping):
        raise ValueError('say a table, such as {tenant = "acme", limit = 50, window = "day"}')
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise ValueError(f"there is no {unknown[0]!r} in a budget; there are {', '.join(sorted(_KEYS))}")
    if not any(given.get(each) for each in SCOPES):
        raise ValueError(f"say whose it is: {', '.join(SCOPES)}")
    on_exceeded = given.get("on_exceeded", "warn")
    if on_exceeded not in ("warn", "raise"):
        raise ValueError(f"on_exceeded = {on_exceeded!r}: say warn or raise")
    tenant, agent, model = (str(given[each]) if given.get(each) else None for each in SCOPES)
    return Budget(
        tenant, agent, model, _limit(given.get("limit")), _window(given.get("window", "day")), on_exceeded
    )


def _limit(value: object) -> Decimal:
    try:
        limit = Decimal(str(value))
    except InvalidOperation:
        limit = Decimal("NaN")
    if isinstance(value, bool) or not limit.is_finite() or limit <= 0:
        raise ValueError(f"limit = {value!r}: say an amount of US dollars above 0")
    return limit


def _window(value: object) -> str:
    text = str(value).strip().lower()
    rolling = _ROLLING.fullmatch(text)
    if rolling and 0 < int(rolling[1]) * _UNIT_S[rolling[2]] <= 366 * 86_400:
        return f"{int(rolling[1])}{rolling[2]}"
    if text not in ("hour", "day", "month"):
        raise ValueError(f"window = {value!r}: say hour, day, month, or a length such as 24h or 7d")
    return text
