"""What is attached in this process: one `Attachment` for each entry point, the list of all, and what undoes them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent_trace.instrumentation import places
from agent_trace.instrumentation.claims import Making, Observing
from agent_trace.instrumentation.classes import is_attachable, is_defined
from agent_trace.instrumentation.entry_points import EntryPoint, EntryPointError
from agent_trace.instrumentation.names import Selection
from agent_trace.instrumentation.patches import is_immutable
from agent_trace.instrumentation.problem_counts import contained, note
from agent_trace.instrumentation.resolving import Found, Function, Methods, resolve
from agent_trace.instrumentation.trees import Tree
from agent_trace.recording import health
from agent_trace.recording.capturing.attributes import PerClass, type_name

if TYPE_CHECKING:
    from agent_trace.instrumentation.classes import Method
    from agent_trace.instrumentation.options import Options
    from agent_trace.instrumentation.wrapping import Place

_MOST_TREES: Final = 1_000
_MOST_MEMBERS: Final = 100


class Attached(NamedTuple):
    """How one entry point stands. `state`: `attached`, `waiting` (for its module), `missing`. `places`: what is wrapped."""

    entry_point: str
    state: str
    places: tuple[str, ...]


class Attachment:
    """One entry point that was asked for: what it led to, and what is to be taken back."""

    def __init__(self, text: str, options: Options) -> None:
        self.text = text
        self.state = "waiting"
        self._options = options
        self._trees: list[Tree] = []
        self._known: PerClass[bool] = PerClass()
        self._places: dict[Place, str] = {}
        self._options_of: dict[Tree, Options] = {}

    def have(self, options: Options) -> None:
        """Observe with these options."""
        self._options = options

    def resolve(self, entry: EntryPoint, name: str, is_early: bool = False) -> None:
        """Attach what the entry point means, now that its module is loaded, or is just being so."""
        if self.state != "waiting":
            return
        module = sys.modules.get(name)
        try:
            found = resolve(entry, module)
        except EntryPointError as error:
            self.miss(f"{error} (its module was still being imported)" if is_early else str(error))
            return
        self.attach(found)

    def attach(self, found: list[Found]) -> None:
        """Attach what was found."""
        with places.changing():
            self.state = "attached"
            for each in found:
                if isinstance(each, Methods):
                    self._grow(each.root, each.selection, self._options)
                elif isinstance(each, Function):
                    self._claim_function(each)
                else:
                    self._add_made(each.made, self._options, self.text)
        if not self._places and not self._trees:
            note(f"{self.text}: nothing there can be attached", aloud=True)

    def miss(self, message: str) -> None:
        """Say once that the entry point is not to be had."""
        self.state = "missing"
        note(message, aloud=True)

    def undo(self) -> None:
        """Put everything back."""
        with places.changing():
            self.state = "undone"
            for tree in self._trees:
                tree.let_go()
            for place, spelled in self._places.items():
                if not place.drop(self):
                    note(f"{spelled} was wrapped by somebody else as well; ours stays below it, switched off")
            self._trees, self._places = [], {}

    def row(self) -> Attached:
        """How it stands."""
        return Attached(self.text, self.state, tuple(sorted(self._places.values())))

    def claim_method(self, method: Method, tree: Tree) -> None:
        """Attach one method of a tree."""
        spelled = f"{type_name(method.kind)}.{method.name}"
        if is_immutable(method.kind):
            note(f"{spelled} is written in C, and Python lets nobody change it", aloud=True)
            return
        options = self._options_of.get(tree, self._options)
        makes = options.is_factory(method.name, method.kind.__name__)
        place = places.method_place(method.kind, method.name, makes=makes)
        self._claim(place, spelled, options, method.kind, method.only)

    def add_product(self, made: Any, tree: Tree) -> None:
        """Attach the class of an object that a `__new__` of a tree has returned."""
        with places.changing():
            options = self._options_of.get(tree, self._options)
            self._root_at(type(made), tree.selection, options, type_name(tree.root))

    def _claim_function(self, found: Function) -> None:
        if not is_attachable(found.function):
            note(f"{self.text}: {found.name} is decorated with observe_llm already")
            return
        makes = self._options.is_factory(found.name, None)
        place = places.function_place(found.function, found.name, makes=makes)
        spelled = f"{getattr(place.function, '__module__', '')}.{found.name}"
        self._claim(place, spelled, self._options, None, None)

    def _claim(
        self, place: Place, spelled: str, options: Options, kind: type | None, only: type | None
    ) -> None:
        if place.claimed_by(self, only):
            return
        if place.makes != options.is_factory(place.name, None if kind is None else kind.__name__):
            note(f"{spelled} is attached both as a factory and to be observed; the former counts", aloud=True)
            return
        if place.makes:
            made_by, products = spelled, options.for_products(place.name)
            claim: Making | Observing = Making(
                self, only, lambda made: self._note_made(made, products, made_by)
            )
        else:
            claim = Observing(self, only, place.function, place.name, kind, options)
        place.add(claim)
        self._places[place] = spelled

    def _note_made(self, made: Any, options: Options, made_by: str) -> None:
        if self._known.get(type(made)) is None:
            contained("attaching what a factory made", self._add_made, made, options, made_by)

    def _add_made(self, made: Any, options: Options, made_by: str) -> None:
        """Attach the class of what was made; of collections, those of their members."""
        if isinstance(made, Mapping):
            members = list(made.values())
        else:
            members = list(made) if isinstance(made, list | tuple | set | frozenset) else [made]
        for each in members[:_MOST_MEMBERS]:
            if isinstance(each, FunctionType):
                note(f"{made_by} gives a function, which is left as it is; name that one itself")
            elif not isinstance(each, Mapping | list | tuple | set | frozenset):
                with places.changing():
                    self._root_at(
                        each if isinstance(each, type) else type(each), Selection(), options, made_by
                    )

    def _root_at(self, kind: type, selection: Selection, options: Options, made_by: str) -> None:
        """Attach a class that turned up, unless it belongs to a tree that we have."""
        if self.state != "attached" or is_immutable(kind) or any(each.covers(kind) for each in self._trees):
            return
        if len(self._trees) >= _MOST_TREES:
            note(f"{self.text}: more than {_MOST_TREES:,} classes were made; later ones are not attached")
        elif not is_defined(kind, selection):
            note(f"{made_by} gives a {type_name(kind)}, which has no method to attach; name one")
        else:
            self._grow(kind, selection, options)
            health.changed()

    def _grow(self, root: type, selection: Selection, options: Options) -> None:
        tree = Tree(self, root, selection)
        self._trees.append(tree)
        self._options_of[tree] = options
        self._known.put(root, True)
        tree.grow()
