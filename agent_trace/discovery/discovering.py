"""The way from a path to a proposal: find files, read them, name them, look for what asks models."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent_trace.discovery.agents import agent_methods
from agent_trace.discovery.answers import DirectCall, EntryPoint, Factory, Proposal, Unreadable
from agent_trace.discovery.calls import Direct, Reach, direct_calls, functions_to_attach
from agent_trace.discovery.codebase import Codebase, Method
from agent_trace.discovery.factories import Made, factories
from agent_trace.discovery.facts import Module
from agent_trace.discovery.files import Found, python_files
from agent_trace.discovery.models import is_decorated, model_methods
from agent_trace.discovery.naming import Names
from agent_trace.discovery.source import Unread, read_module
from agent_trace.discovery.trees import Trees
from agent_trace.instrumentation.names import FACTORY, is_factory, type_of

Advance = Callable[[int, int | None], None]


def discover(path: Path, advance: Advance | None = None) -> Proposal:
    """Look through the Python files below `path`, or through one file; `advance(done, total)` is told how far it is."""
    start = path.resolve()
    found = python_files(start)
    modules, unreadable = _read(found, advance)
    names = Names(modules, start)
    names.name_all()
    return _Search(Codebase(modules, names), start).proposal(found, unreadable)


def _read(found: Found, advance: Advance | None) -> tuple[list[Module], list[tuple[Path, str]]]:
    modules, unreadable = [], list(found.unreadable)
    with _without_collecting():
        for done, path in enumerate(found.paths):
            try:
                modules.append(read_module(path))
            except Unread as why:
                unreadable.append((path, str(why)))
            if advance is not None:
                advance(done + 1, len(found.paths))
    return modules, unreadable


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Syntax trees are many small objects without cycles: looking for some takes longer than parsing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Search:
    def __init__(self, codebase: Codebase, start: Path) -> None:
        self._codebase = codebase
        self._trees = Trees(codebase)
        self._folder = start if start.is_dir() else start.parent
        self._start = start

    def proposal(self, found: Found, unreadable: list[tuple[Path, str]]) -> Proposal:
        """Models first, then agents, then what goes past both."""
        models, agents = list(model_methods(self._trees)), list(agent_methods(self._codebase, self._trees))
        decorated = [each for each in self._codebase.methods() if is_decorated(each.function)]
        calls = list(direct_calls(self._codebase, Reach(self._trees, [*models, *decorated])))
        functions = [each for each in functions_to_attach(calls) if each not in agents]
        calls = list(direct_calls(self._codebase, Reach(self._trees, [*models, *decorated, *functions])))
        owners = [each.owner for each in (*models, *agents) if each.owner]
        made = factories(self._codebase, self._trees, owners)
        return Proposal(
            start=self._start,
            files=len(found.paths),
            models=[self._entry(each, "model") for each in models],
            agents=[self._entry(each, "agent") for each in agents],
            functions=[self._entry(each, "function") for each in functions],
            factories=[self._factory(each) for each in made],
            direct_calls=[self._direct(each) for each in calls],
            skipped=dict(found.skipped.most_common()),
            unreadable=[Unreadable(self._relative(path), why) for path, why in unreadable],
        )

    def _entry(self, method: Method, kind: str) -> EntryPoint:
        owner = method.owner
        below = list(self._trees.descendants(owner)) if owner else []
        module = method.module
        return EntryPoint(
            entry=_typed(method, "agent" if kind == "agent" else "generation"),
            kind=kind,
            path=self._relative(module.path),
            line=method.function.line,
            overrides=sum(method.function.name in each.methods for each in below),
            subclasses=len(below),
            runs_itself=_runs_itself(module, self._codebase.names.used),
        )

    def _factory(self, made: Made) -> Factory:
        method = made.method
        path = self._relative(method.module.path)
        entry = _typed(method, FACTORY) if made.unknown else method.entry
        return Factory(entry, path, method.function.line, made.kinds, needed=made.unknown)

    def _direct(self, found: Direct) -> DirectCall:
        return DirectCall(
            provider=found.call.provider,
            call=found.call.call,
            path=self._relative(found.module.path),
            line=found.call.line,
            within=found.method.entry.partition(":")[2] if found.method else "",
            attached_by=_typed(found.attached_by, "generation") if found.attached_by else None,
        )

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._folder)) if path.is_relative_to(self._folder) else str(path)


def _runs_itself(module: Module, imported: set[Path]) -> bool:
    if module.path in imported:
        return False
    return module.has_main_guard or not module.path.stem.isidentifier()


def _typed(method: Method, wanted: str) -> str:
    """The entry point, with its type where the names in it would be taken for another one."""
    owner = method.owner.name.rpartition(".")[2] if method.owner else None
    name = method.function.name
    understood = FACTORY if is_factory(name, owner) else type_of(name, owner)
    return method.entry if understood == wanted else f"{method.entry}={wanted}"
