"""One class tree that an attachment has: which of its methods are wrapped, and how it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

from agent_trace.instrumentation.classes import Method, is_attachable, methods_of, tree_of
from agent_trace.instrumentation.patches import namespace
from agent_trace.instrumentation.places import listen, stop_listening
from agent_trace.recording.capturing.attributes import class_line

if TYPE_CHECKING:
    from agent_trace.instrumentation.names import Selection


class Owner(Protocol):
    """Whoever has trees."""

    def claim_method(self, method: Method, tree: Tree) -> None:
        """Attach one method."""

    def add_product(self, made: Any, tree: Tree) -> None:
        """Attach the class of an object that is none of the tree."""


class Tree:
    """A class with all its subclasses, the ones to come included."""

    __slots__ = ("_heard_by", "_owner", "root", "selection")

    def __init__(self, owner: Owner, root: type, selection: Selection) -> None:
        self._owner = owner
        self.root = root
        self.selection = selection
        self._heard_by: list[ref[type]] = []

    def grow(self) -> None:
        """Attach every class that there is."""
        for kind in tree_of(self.root):
            self.add(kind)

    def add(self, kind: type) -> None:
        """Attach one class of the tree."""
        for method in methods_of(kind, self.root, self.selection):
            if is_attachable(namespace(method.kind)[method.name]):
                self._owner.claim_method(method, self)
        own = namespace(kind)
        if kind is self.root or "__init_subclass__" in own or "__new__" in own:
            listen(kind, self)
            self._heard_by.append(ref(kind))

    def add_made(self, made: Any) -> None:
        """Attach the class of an object that a class of the tree has made, if it is another's."""
        if not self.covers(type(made)):
            self._owner.add_product(made, self)

    def covers(self, kind: type) -> bool:
        """Whether a class belongs to the tree."""
        return any(each is self.root for each in class_line(kind))

    def let_go(self) -> None:
        """Hear of no more classes."""
        for reference in self._heard_by:
            kind = reference()
            if kind is not None:
                stop_listening(kind, self)
