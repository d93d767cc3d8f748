"""What discovery answers with: entry points, factories, direct calls, and what was read. Plain values."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One proposal. `overrides` counts the subclasses with a method of their own, which are attached with it."""

    entry: str
    kind: str
    """`model`, `agent`, `function` or `factory`."""
    path: str
    line: int
    overrides: int = 0
    subclasses: int = 0
    runs_itself: bool = False
    """It stands in a file that nobody imports and that is run itself: there it is `__main__`."""


@dataclass(frozen=True, slots=True)
class Factory:
    """A function that makes models or agents. `needed` when what it makes is attached by nothing else."""

    entry: str
    path: str
    line: int
    makes: tuple[str, ...]
    needed: bool


@dataclass(frozen=True, slots=True)
class DirectCall:
    """A call of a provider's client. `attached_by` is the entry point that it runs inside; None: it bypasses all."""

    provider: str
    call: str
    path: str
    line: int
    within: str
    attached_by: str | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that could not be read, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that was found in a codebase. Paths are relative to `start`."""

    start: Path
    files: int
    models: list[EntryPoint] = field(default_factory=list)
    agents: list[EntryPoint] = field(default_factory=list)
    functions: list[EntryPoint] = field(default_factory=list)
    factories: list[Factory] = field(default_factory=list)
    direct_calls: list[DirectCall] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    @property
    def instrument(self) -> list[str]:
        """The setting to paste: models, agents, functions, and the factories that are needed, where they can be named."""
        found = [each.entry for each in (*self.models, *self.agents, *self.functions)]
        found += [each.entry for each in self.factories if each.needed]
        return [each for each in dict.fromkeys(found) if _can_be_imported(each)]

    @property
    def bypassing(self) -> list[DirectCall]:
        """Direct calls that run inside none of the entry points."""
        return [each for each in self.direct_calls if each.attached_by is None]

    @property
    def providers(self) -> dict[str, int]:
        """How many calls bypass the entry points, by provider, the most first."""
        counted: dict[str, int] = {}
        for each in self.bypassing:
            counted[each.provider] = counted.get(each.provider, 0) + 1
        return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _can_be_imported(entry_point: str) -> bool:
    """Not from a file such as `my-script.py`, which is only ever run itself."""
    return all(part.isidentifier() for part in entry_point.partition(":")[0].split("."))
