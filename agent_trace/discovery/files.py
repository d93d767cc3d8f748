"""Which files of a codebase are looked at, and which are left out and why. Reads directories, and no file."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 2_000_000
"""What is longer was written by a program."""

_INSTALLED: Final = frozenset({"site-packages", "dist-packages", "node_modules", "__pypackages__"})
_BUILT: Final = frozenset({"build", "dist"})
_TESTS: Final = frozenset({"tests", "test"})


@dataclass(slots=True)
class Found:
    """Python files in the order of their paths; what was left out, counted by reason; folders that cannot be read."""

    paths: list[Path] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def python_files(start: Path) -> Found:
    """All Python files below `start` that a person wrote and that are no tests; `start` itself when it is a file."""
    found = Found()
    if start.is_file():
        found.paths.append(start)
        return found
    seen: set[tuple[int, int]] = set()
    waiting = [(start, False)]
    while waiting:
        folder, is_test = waiting.pop()
        if _is_new(folder, seen, found):
            waiting.extend(_look_into(folder, is_test, seen, found))
    found.paths.sort()
    return found


def _is_new(path: Path, seen: set[tuple[int, int]], found: Found) -> bool:
    """Whether this was not met before under another name: links may lead in circles."""
    try:
        status = path.stat()
    except OSError as error:
        found.unreadable.append((path, error.strerror or "cannot be read"))
        return False
    place = (status.st_dev, status.st_ino)
    if place in seen:
        found.skipped["seen already through a link"] += 1
        return False
    seen.add(place)
    return True


def _look_into(
    folder: Path, is_test: bool, seen: set[tuple[int, int]], found: Found
) -> Iterator[tuple[Path, bool]]:
    """Keep the files of a folder, and give the folders in it that are to be looked into as well."""
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
    except OSError as error:
        found.unreadable.append((folder, error.strerror or "cannot be read"))
        return
    for entry in entries:
        path = Path(entry.path)
        if _is_folder(entry):
            reason = _why_not_into(path)
            if reason:
                found.skipped[reason] += 1
            elif entry.name != "__pycache__":
                yield path, is_test or entry.name.lower() in _TESTS
        elif entry.name.endswith(".py"):
            reason = "test file" if is_test or _is_test(entry.name) else _why_not(entry)
            if reason:
                found.skipped[reason] += 1
            elif not entry.is_symlink() or _is_new(path, seen, found):
                found.paths.append(path)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _why_not_into(folder: Path) -> str:
    name = folder.name
    if name in _INSTALLED:
        return name
    if name in _BUILT or name.endswith(".egg-info"):
        return "folder of build output"
    if (folder / "pyvenv.cfg").is_file():
        return "virtual environment"
    return "hidden folder" if name.startswith(".") else ""


def _why_not(entry: "os.DirEntry[str]") -> str:
    try:
        if not entry.is_file():
            return "broken link" if entry.is_symlink() else "special file"
        return "file over 2 MB" if entry.stat().st_size > MAX_BYTES else ""
    except OSError:
        return "broken link"


def _is_test(name: str) -> bool:
    return name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py")
