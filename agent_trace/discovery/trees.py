"""Class trees: who derives from whom across modules, who declares a method first, and who overrides it."""

from collections import defaultdict
from collections.abc import Iterator

from agent_trace.discovery.codebase import Codebase, External
from agent_trace.discovery.facts import Class


class Trees:
    """All classes of a codebase with their bases and subclasses."""

    def __init__(self, codebase: Codebase) -> None:
        self.classes = list(codebase.classes())
        self._bases: dict[Class, list[Class]] = {}
        self.outside: dict[Class, list[str]] = {}
        """Bases that are not part of the codebase, by their dotted names."""
        self._subclasses: dict[Class, list[Class]] = defaultdict(list)
        for each in self.classes:
            self._bases[each] = []
            self.outside[each] = []
            for dotted in each.bases:
                self._add_base(codebase, each, dotted)

    def _add_base(self, codebase: Codebase, derived: Class, dotted: str) -> None:
        base = codebase.resolve(derived.module, dotted)
        if isinstance(base, Class) and base is not derived:
            self._bases[derived].append(base)
            self._subclasses[base].append(derived)
        else:
            self.outside[derived].append(base.name if isinstance(base, External) else dotted)

    def ancestors(self, of: Class) -> Iterator[Class]:
        """Every class above, each once."""
        yield from _reachable(of, self._bases)

    def descendants(self, of: Class) -> Iterator[Class]:
        """Every class below, each once."""
        yield from _reachable(of, self._subclasses)

    def family(self, of: Class) -> Iterator[Class]:
        """The class and every one below."""
        yield of
        yield from self.descendants(of)

    def declares_first(self, each: Class, method: str) -> bool:
        """Whether no class of the codebase above it has this method."""
        return method in each.methods and not any(method in above.methods for above in self.ancestors(each))

    def overrides(self, of: Class, method: str) -> list[Class]:
        """The classes below that have a method of their own of this name."""
        return [each for each in self.descendants(of) if method in each.methods]

    def is_protocol(self, each: Class) -> bool:
        """Whether it only says what a class has to have, and nobody derives from it."""
        names = {name.rpartition(".")[2] for name in self.outside[each]}
        return "Protocol" in names and not self._subclasses[each]


def _reachable(start: Class, following: dict[Class, list[Class]]) -> Iterator[Class]:
    seen = {start}
    waiting = list(reversed(following.get(start, ())))
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            yield each
            waiting.extend(reversed(following.get(each, ())))
