"""The same program run alone and attached to, and the namespaces of classes before and after."""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_trace import instrument
from agent_trace.testing import Recorded, recorded


def facts(program: Callable[[], Any]) -> tuple[Any, ...]:
    """What a program shows to the outside: type, value and repr of its result, or its exception, and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            result = program()
        except BaseException as error:
            return type(error), str(error), printed.getvalue()
    return type(result), result, repr(result), printed.getvalue()


def observed(program: Callable[[], Any], *entry_points: Any, **options: Any) -> Recorded:
    """Run a program alone, then attached to; nothing may differ. Returns what was recorded the second time."""
    with recorded():  # what the program has decorated itself
        alone = facts(program)
    with instrument(*entry_points, **options), recorded() as sink:
        attached = facts(program)
    assert attached == alone
    with recorded():
        assert facts(program) == alone
    return sink


def names(sink: Recorded) -> list[str]:
    """Names of the observations, in the order in which they ended."""
    return [each.name for each in sink]


@contextlib.contextmanager
def left_as_it_was(*kinds: type) -> Iterator[None]:
    """Whatever happens inside, every class holds the very same objects in the same order afterwards."""
    before = [list(vars(kind).items()) for kind in kinds]
    yield
    for kind, held in zip(kinds, before, strict=True):
        now = list(vars(kind).items())
        assert [name for name, _ in now] == [name for name, _ in held]
        assert all(value is former for (_, value), (_, former) in zip(now, held, strict=True))


def write_modules(directory: Path, monkeypatch: pytest.MonkeyPatch, sources: dict[str, str]) -> None:
    """Modules that can be imported, by their paths."""
    for name, source in sources.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(directory))
