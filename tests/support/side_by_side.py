"""A real library run alone and attached to: what the program sees of it, and what is recorded, as a tree in words."""

import asyncio
import contextlib
import io
import re
import sys
import textwrap
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from types import ModuleType
from typing import Any, TypeVar

from agent_trace.instrumentation import Handle
from agent_trace.observation import Observation
from agent_trace.testing import Recorded, recorded
from tests.support.llm_server import Answer, LlmServer

T = TypeVar("T")
_CHANGING = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x…"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
)
# `openai` and `anthropic` each give the `Timeout` that they share their own `__module__` when they are imported.
_MADE_LATER = ("__pydantic_", "__signature__", "__annotations_", "__annotate_func__", "__module__")
TIMES = re.compile(r"(?<=[=:])( ?)\d+\.\d+(e-?\d+)?\b|\b1[6-9]\d{8}\b|\d+\.\d+ seconds")
"""Durations and moments, in the reprs of libraries that measure their own runs."""


@dataclass(frozen=True)
class Scenario:
    """Something that programs do with a library, and the observations that it has to give, by the way it is attached."""

    name: str
    run: Callable[[LlmServer], Any]
    plan: tuple[Answer, ...] = ()
    wanted: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Facts:
    """What a program sees: results one by one with type and repr, or the exception; what was printed; what was sent."""

    results: list[tuple[str, str, str]]
    printed: str
    requests: list[tuple[str, dict[str, Any]]]


def facts(scenario: Scenario, server: LlmServer, *masks: re.Pattern[str]) -> Facts:
    """Run a scenario. A tuple that it returns is several results."""
    server.begin()
    server.plan(*scenario.plan)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            result = scenario.run(server)
        except Exception as error:
            result = (error, error.args, str(error), sorted(vars(error)))
    results = result if type(result) is tuple else (result,)
    told = [(_kind(type(each)), _kind(each.__class__), _masked(repr(each), masks)) for each in results]
    return Facts(told, _masked(printed.getvalue(), masks), list(server.requests))


def check(
    scenario: Scenario,
    server: LlmServer,
    way: str,
    attach: Callable[[], list[Handle]],
    *masks: re.Pattern[str],
) -> None:
    """A program sees no difference attached to in this way, nor afterwards, and what is recorded is what is wanted."""
    alone = facts(scenario, server, *masks)
    with recorded() as sink:
        handles = attach()
        observed = facts(scenario, server, *masks)
        for handle in reversed(handles):
            handle.undo()
    with recorded() as nothing:
        afterwards = facts(scenario, server, *masks)
    found = differences(alone, observed)
    assert found == [], found
    assert tree(sink) == scenario.wanted[way], f"recorded was:\n{tree(sink)}"
    changed = differences(alone, afterwards)
    assert changed == [], changed
    assert nothing.records == []


def check_undo(
    scenarios: list[Scenario], server: LlmServer, ways: dict[str, Callable[[], list[Handle]]], *packages: str
) -> None:
    """Attached to in every way, used and undone, classes and modules hold the very same objects."""
    for scenario in scenarios:
        facts(scenario, server)  # what libraries keep on their classes, they keep from the first use on
    with left_as_they_were(*packages):
        for attach in ways.values():
            with recorded():
                handles = attach()
                facts(scenarios[0], server)
                for handle in reversed(handles):
                    handle.undo()


def in_one_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop of all scenarios: libraries keep connections, which belong to their loop."""
    return _loop.run_until_complete(work)


_loop = asyncio.new_event_loop()


def differences(one: Facts, other: Facts) -> list[str]:
    """Each thing that is not the same, in words."""
    pairs = [
        *zip_longest(one.results, other.results),
        (one.printed, other.printed),
        (one.requests, other.requests),
    ]
    return [f"{this} became {that}" for this, that in pairs if this != that]


def tree(sink: Recorded) -> str:
    """What was recorded, a line each: type, name, model, tokens, error; indented below its parent, in order of their starts."""
    known = {each.id: each for each in sink}
    lines: list[str] = []

    def tell(parent: str | None, depth: int) -> None:
        below = [
            each for each in known.values() if (each.parent_id if each.parent_id in known else None) == parent
        ]
        for each in sorted(below, key=lambda one: (one.start_ns, one.name)):
            lines.append("  " * depth + _line(each))
            tell(each.id, depth + 1)

    tell(None, 0)
    return "\n".join(lines)


def nested(*lines: str) -> str:
    """The tree in which each line stands below the one before."""
    return "\n".join("  " * depth + line for depth, line in enumerate(lines))


def twice(wanted: dict[str, str]) -> dict[str, str]:
    """The same again, for whoever makes two calls."""
    return {way: f"{one}\n{one}" for way, one in wanted.items()}


def above_client(call: str, client: str) -> dict[str, str]:
    """The call of a framework's model as each way sees it. With both, on the same method, what was attached last is above."""
    told = f"{call} (25 reported)"
    return {
        "entry": f"{call} 25 tokens",
        "providers": nested(told, client),
        "both": nested(told, told, client),
    }


def indented(tree: str, depth: int = 1) -> str:
    """The tree as a part of another one."""
    return textwrap.indent(tree, "  " * depth)


@contextlib.contextmanager
def left_as_they_were(*packages: str) -> Iterator[None]:
    """Classes of the packages hold the very same objects in the same order afterwards, and modules the same functions."""
    before = [(holder, _held(holder)) for holder in _holders(packages)]
    assert len(before) > 50, "the packages are not loaded"
    yield
    wrong = [
        f"{holder.__name__}: {changed}" for holder, held in before if (changed := _changed(holder, held))
    ]
    assert wrong == [], wrong


def _held(holder: Any) -> list[tuple[str, Any]]:
    """Names with their objects, without what Python and pydantic make of a class when it is first asked for."""
    return [
        (name, value)
        for name, value in vars(holder).items()
        if not name.startswith(_MADE_LATER) and (callable(value) or isinstance(holder, type))
    ]


def _changed(holder: Any, held: list[tuple[str, Any]]) -> list[str]:
    now = _held(holder)
    if isinstance(holder, ModuleType):  # more is imported into it at any time
        names = dict(held)
        now = [(name, value) for name, value in now if name in names]
    same = [(name, id(value)) for name, value in now] == [(name, id(value)) for name, value in held]
    if same:
        return []
    before, after = ({(name, id(value)) for name, value in each} for each in (held, now))
    return sorted({name for name, _ in before ^ after}) or ["another order"]


def _holders(packages: tuple[str, ...]) -> Iterator[Any]:
    seen = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in packages or type(module) is not ModuleType:
            continue
        yield module
        for value in list(vars(module).values()):
            if (
                isinstance(value, type)
                and value.__module__.partition(".")[0] in packages
                and value not in seen
            ):
                seen.add(value)
                yield value


def _line(each: Observation) -> str:
    parts = [each.type, each.name, each.model or ""]
    if each.usage:
        parts.append(f"{sum(each.usage.values())} tokens")
    if each.reported_usage:
        parts.append(f"({sum(each.reported_usage.values())} reported)")
    if each.level != "DEFAULT":
        parts.append(f"{each.level} {(each.error or {}).get('type', '')}")
    return " ".join(part for part in parts if part).strip()


def _kind(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _masked(text: str, masks: tuple[re.Pattern[str], ...]) -> str:
    for pattern, name in (*_CHANGING, *((mask, "…") for mask in masks)):
        text = pattern.sub(name, text)
    return text
