"""What the program imports each file as: read off the imports that stand in it, and off packages where none do."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from agent_trace.discovery.facts import Module

_LEVELS_ABOVE: Final = 3
"""How many folders above the one asked about may be where imports start."""

_CERTAIN, _LIKELY = 3, 1


class Names:
    """Where imports start, and which file a name leads to."""

    def __init__(self, modules: Iterable[Module], start: Path) -> None:
        self._modules = {module.path: module for module in modules}
        self._top = _top(start)
        self._by_suffix: dict[str, list[tuple[Module, Path]]] = defaultdict(list)
        for module in self._modules.values():
            for name, root in self._possible(module):
                self._by_suffix[name].append((module, root))
        self._votes: Counter[Path] = Counter()
        self._known_as: dict[Path, Counter[str]] = defaultdict(Counter)
        self._beside: dict[Path, Counter[Path]] = defaultdict(Counter)
        self.used: set[Path] = set()
        """Files that another one imports."""
        for module in self._modules.values():
            self._count_votes(module)

    def name_all(self) -> None:
        """Give every module the name that it is imported as."""
        for module in self._modules.values():
            module.name = self._name(module)

    def find(self, name: str, importer: Module) -> Module | None:
        """The file that an absolute import of `name` leads to; None for one that is not of this codebase."""
        found = self._by_suffix.get(name)
        if not found or (found[0][0] is importer and len(found) == 1):
            return None
        module, root = max(found, key=lambda each: (each[1] == importer.path.parent, self._votes[each[1]]))
        if "." not in name and not self._votes[root] and root != importer.path.parent:
            return None
        return module

    def find_relative(self, name: str, level: int, importer: Module) -> Module | None:
        """The file that `from ..name import` leads to, seen from `importer`."""
        folder = importer.path.parent
        for _ in range(level - 1):
            folder = folder.parent
        path = folder.joinpath(*name.split(".")) if name else folder
        return self._modules.get(path.with_suffix(".py")) or self._modules.get(path / "__init__.py")

    def _possible(self, module: Module) -> Iterator[tuple[str, Path]]:
        """Every name the file could have, with the folder where imports would have to start."""
        path = module.path.parent if module.is_package else module.path.with_suffix("")
        parts: list[str] = []
        while path != self._top and path != path.parent and path.name.isidentifier():
            parts.insert(0, path.name)
            path = path.parent
            yield ".".join(parts), path

    def _count_votes(self, importer: Module) -> None:
        """Each import counts for the folders in which it would find a file, the longer the name the surer."""
        for name in importer.imported:
            if name.partition(".")[0] in sys.stdlib_module_names:
                continue
            for module, root in self._by_suffix.get(name, ()):
                if module is importer:
                    continue
                is_beside = root == importer.path.parent and not (root / "__init__.py").exists()
                if "." not in name and not is_beside and root != self._top and root.name != "src":
                    continue
                self._votes[root] += _CERTAIN if "." in name else _LIKELY
                self._known_as[module.path][name] += 1
                self._beside[module.path.parent][root] += 1
                self.used.add(module.path)

    def _name(self, module: Module) -> str:
        possible = {root: name for name, root in self._possible(module)}
        known = self._known_as[module.path]
        lowest = _above(module, module.relative_levels)
        fitting = {
            root: name for root, name in possible.items() if lowest == root or lowest.is_relative_to(root)
        }
        for folder in module.path.parents:
            # What stands beside it is imported from the same place, so that relative imports fit.
            voted = [root for root in fitting if self._beside[folder][root]]
            if voted:
                return fitting[
                    max(voted, key=lambda root: (known[fitting[root]], self._beside[folder][root]))
                ]
            if folder == self._top:
                break
        return fitting.get(self._package_root(module, lowest)) or module.path.stem

    def _package_root(self, module: Module, lowest: Path) -> Path:
        """Where imports start when nobody imports: above the outermost package."""
        folder = module.path.parent
        while (folder / "__init__.py").exists() or (folder != lowest and folder.is_relative_to(lowest)):
            folder = folder.parent
        return folder


def _top(start: Path) -> Path:
    folder = start if start.is_dir() else start.parent
    for _ in range(_LEVELS_ABOVE):
        folder = folder.parent
    return folder


def _above(module: Module, levels: int) -> Path:
    """The lowest folder in which imports can start, when relative imports go up so many levels."""
    folder = module.path.parent
    if module.is_package and not levels:
        levels = 1
    for _ in range(levels):
        folder = folder.parent
    return folder
