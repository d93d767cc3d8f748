"""Entry points: from `package.module:Class.method` to its parts, and what is said about one that cannot be used."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent_trace.instrumentation.names import FACTORY
from agent_trace.observation import OBSERVATION_TYPES

_FORM: Final = re.compile(
    r"(?P<module>\w+(?:\.\w+)*):(?P<path>(?:\w+\.)*[\w*]+)(?:=(?P<type>\w+))?", re.UNICODE
)
_TYPES: Final = (*OBSERVATION_TYPES, FACTORY)


class EntryPointError(ValueError):
    """An entry point that cannot be attached, in words for the person who typed it."""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """`package.module:Class.method=type`, taken apart. The last part of the path may have `*`."""

    text: str
    module: str
    path: tuple[str, ...]
    as_type: str | None = None


def parse(text: str) -> EntryPoint:
    """The parts of an entry point. Raises EntryPointError for a text that is none."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise EntryPointError(
            f"{text!r} is no entry point; write package.module:Class.method{_with_colon(text)}"
        )
    path = tuple(found["path"].split("."))
    if not all(part.isidentifier() for part in (*found["module"].split("."), *path[:-1])):
        raise EntryPointError(f"{text!r} is no entry point: one of its parts is no name")
    return EntryPoint(text.strip(), found["module"], path, known_type(found["type"], text))


def known_type(given: str | None, where: str) -> str | None:
    """A type of observation, `factory`, or None. Raises EntryPointError for another one."""
    if given is None or given in _TYPES:
        return given
    raise EntryPointError(f"{where}: {given!r} is no type{_perhaps(given, _TYPES)}")


def missing(text: str, name: str, where: str, there: Iterable[str]) -> EntryPointError:
    """What is said when `name` is not to be found in `where`."""
    return EntryPointError(f"{text}: there is no {name!r} in {where}{_perhaps(name, there)}")


def _perhaps(name: str, there: Iterable[str]) -> str:
    known: dict[str, list[str]] = {}
    for each in there:
        known.setdefault(each.lower(), []).append(each)
    nearest = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    spelled = [each for lowered in nearest for each in known[lowered]]
    return f". Did you mean {', '.join(spelled)}?" if spelled else ""


def _with_colon(text: str) -> str:
    """The entry point that somebody may have meant who wrote dots all through."""
    parts = text.strip().split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return ""
    at = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return f". Did you mean {'.'.join(parts[:at])}:{'.'.join(parts[at:])}?" if at else ""
