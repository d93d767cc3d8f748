"""All modules together: what a name in one of them stands for, through imports, re-exports and other names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agent_trace.discovery.facts import Class, Function, Import, Module
from agent_trace.discovery.naming import Names

_MAX_STEPS: Final = 30
"""Names that lead to one another in circles end here."""


@dataclass(frozen=True, slots=True)
class External:
    """Something in a package that is not part of the codebase, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """A function of a module, or of a class."""

    module: Module
    owner: Class | None
    function: Function

    @property
    def entry(self) -> str:
        """As an entry point: `package.module:Class.method`."""
        within = f"{self.owner.name}." if self.owner else ""
        return f"{self.module.name}:{within}{self.function.name}"


Target = Class | Method | Module | External


class Codebase:
    """Modules that can be asked what a name means in them."""

    def __init__(self, modules: Sequence[Module], names: Names) -> None:
        self.modules = modules
        self.names = names

    def classes(self) -> Iterator[Class]:
        """Every class, in the order of files."""
        for module in self.modules:
            yield from module.classes.values()

    def methods(self) -> Iterator[Method]:
        """Every function and method, in the order of files."""
        for module in self.modules:
            yield from (Method(module, None, each) for each in module.functions.values())
            for owner in module.classes.values():
                yield from (Method(module, owner, each) for each in owner.methods.values())

    def resolve(self, module: Module, dotted: str, steps: int = 0) -> Target | None:
        """What `dotted` means in a module; None for what is made at run time, or is not found."""
        if steps > _MAX_STEPS or not dotted:
            return None
        if dotted in module.classes:
            return module.classes[dotted]
        head, _, rest = dotted.partition(".")
        if head in module.functions and not rest:
            return Method(module, None, module.functions[head])
        if head in module.imports:
            return self._imported(module, module.imports[head], rest, steps)
        if head in module.aliases and module.aliases[head] != dotted:
            return self.resolve(module, _joined(module.aliases[head], rest), steps + 1)
        for star in module.star_imports:
            origin = self._module(module, star)
            found = self.resolve(origin, dotted, steps + 1) if isinstance(origin, Module) else None
            if found is not None:
                return found
        return None

    def _imported(self, module: Module, found: Import, rest: str, steps: int) -> Target | None:
        if found.name is None:
            return self._longest(module, _joined(found.module, rest), steps)
        origin = self._module(module, found)
        if isinstance(origin, External):
            return self._longest(module, _joined(f"{origin.name}.{found.name}", rest), steps)
        target = self.resolve(origin, _joined(found.name, rest), steps + 1) if origin else None
        if target is not None or origin is None:
            return target
        inner = self._submodule(origin, found.name)
        if inner is None or not rest:
            return inner
        return self.resolve(inner, rest, steps + 1)

    def _longest(self, importer: Module, dotted: str, steps: int) -> Target | None:
        """`package.module.Class`, of which it is not known where the module ends."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = self.names.find(".".join(parts[:length]), importer)
            if module is not None:
                rest = ".".join(parts[length:])
                return self.resolve(module, rest, steps + 1) if rest else module
        return External(dotted)

    def _module(self, importer: Module, found: Import) -> Module | External | None:
        """Where something is imported from."""
        if found.level:
            return self.names.find_relative(found.module, found.level, importer)
        return self.names.find(found.module, importer) or External(found.module)

    def _submodule(self, package: Module, name: str) -> Module | None:
        return self.names.find_relative(name, 1, package) if package.is_package else None


def _joined(first: str, rest: str) -> str:
    return f"{first}.{rest}" if rest else first
