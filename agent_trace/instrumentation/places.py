"""Every place that is wrapped in this process, and every class whose subclasses are watched. Each once, for whoever asks."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from agent_trace.instrumentation.classes import has_own_birth, watch, watch_birth
from agent_trace.instrumentation.patches import ClassPatch, ModulePatch, namespace
from agent_trace.instrumentation.problem_counts import contained
from agent_trace.instrumentation.wrapping import Place, undecorated
from agent_trace.recording import health
from agent_trace.recording.capturing.attributes import PerClass

if TYPE_CHECKING:
    from agent_trace.instrumentation.trees import Tree

_lock = threading.RLock()


def changing() -> threading.RLock:
    """Held by whoever changes what is attached."""
    return _lock


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


class _Watched:
    """One class whose subclasses are heard of, and what its `__new__` returns, for all trees that it is a part of."""

    __slots__ = ("_patches", "trees")

    def __init__(self, kind: type) -> None:
        self.trees: tuple[Tree, ...] = ()
        self._patches = [watch(kind, self._heard)]
        if has_own_birth(kind):
            self._patches.append(watch_birth(kind, self._born))

    def _heard(self, kind: type) -> None:
        with changing():
            for tree in self.trees:
                contained("attaching a new subclass", tree.add, kind)
        health.changed()

    def _born(self, made: Any) -> None:
        for tree in self.trees:
            contained("attaching what a class has made", tree.add_made, made)

    def undo(self) -> None:
        for patch in self._patches:
            patch.undo()


_methods: Final[PerClass[dict[str, Place]]] = PerClass()
_functions: Final[dict[int, Place]] = {}
_watched: Final[PerClass[_Watched]] = PerClass()


def method_place(kind: type, name: str, *, makes: bool) -> Place:
    """The place of a method that a class defines."""
    places = _methods.get(kind)
    if places is None:
        places = _methods.put(kind, {})
    place = places.get(name)
    if place is None or place.is_free:
        original = undecorated(namespace(kind)[name])
        place = places[name] = Place(
            ClassPatch(kind, name, original), original, name, makes=makes, is_method=True
        )
    return place


def function_place(function: Any, name: str, *, makes: bool) -> Place:
    """The place of a function, which is every module that has it."""
    original = undecorated(function)
    place = _functions.get(id(original))
    if place is None or place.is_free:
        place = _functions[id(original)] = Place(
            ModulePatch(original), original, name, makes=makes, is_method=False
        )
    return place


def listen(kind: type, tree: Tree) -> None:
    """Tell a tree of new subclasses of a class."""
    watched = _watched.get(kind)
    if watched is None or not watched.trees:
        watched = _watched.put(kind, _Watched(kind))
    if tree not in watched.trees:
        watched.trees = (*watched.trees, tree)


def stop_listening(kind: type, tree: Tree) -> None:
    """Tell it no more; the last one to go leaves the class as it was."""
    watched = _watched.get(kind)
    if watched is None or not watched.trees:
        return
    watched.trees = tuple(each for each in watched.trees if each is not tree)
    if not watched.trees:
        watched.undo()
