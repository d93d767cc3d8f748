"""Which functions make models and agents, and which of them have to be attached for what they make to be."""

from collections.abc import Collection, Iterator

from agent_trace.discovery import words
from agent_trace.discovery.clients import provider_of_package
from agent_trace.discovery.codebase import Codebase, External, Method
from agent_trace.discovery.facts import Class, Function
from agent_trace.discovery.trees import Trees


class Made:
    """A factory with the names of what it makes. `unknown`: it also makes what can be told at run time only."""

    def __init__(self, method: Method, kinds: tuple[str, ...], *, unknown: bool) -> None:
        self.method = method
        self.kinds = kinds
        self.unknown = unknown


def factories(codebase: Codebase, trees: Trees, attached: Collection[Class]) -> Iterator[Made]:
    """Functions that return what is attached, or that are named and built like factories."""
    wanted = {each for root in attached for each in trees.family(root)}
    for method in codebase.methods():
        if _can_be_named(method) and method.function.returns_value:
            found = _made(codebase, method, wanted)
            if found is not None:
                yield found


def _can_be_named(method: Method) -> bool:
    return not method.function.name.startswith("_") and not (method.owner and method.owner.is_local)


def _made(codebase: Codebase, method: Method, wanted: set[Class]) -> Made | None:
    """What a function makes, looking through the methods of its own class that it calls."""
    inside, outside, is_dynamic = [], [], False
    for function in _closure(method):
        for dotted in _returned(method, function):
            target = codebase.resolve(method.module, dotted)
            if isinstance(target, Class) and target in wanted:
                inside.append(target.name)
            elif isinstance(target, External) and _is_client(target.name):
                outside.append(target.name.rpartition(".")[2])
        is_dynamic |= function.is_dynamic
    if not inside and not (words.makes(method.function.name) and (outside or is_dynamic)):
        return None
    kinds = tuple(dict.fromkeys([*inside, *outside]))
    says_what = any(codebase.resolve(method.module, each) in wanted for each in method.function.annotation)
    return Made(method, kinds, unknown=bool(outside) or (is_dynamic and not says_what and _is_named(method)))


def _is_named(method: Method) -> bool:
    return words.makes(method.function.name)


def _closure(method: Method) -> list[Function]:
    """The function and those beside it that it calls."""
    beside = method.owner.methods if method.owner else method.module.functions
    seen = {method.function.name: method.function}
    waiting = [method.function]
    while waiting:
        for name in sorted(waiting.pop().calls):
            if name.startswith("_") and name in beside and name not in seen:
                seen[name] = beside[name]
                waiting.append(beside[name])
    return list(seen.values())


def _returned(method: Method, function: Function) -> Iterator[str]:
    """Names of what may be made, entries of registries among them."""
    for dotted in (*function.returned, *function.annotation):
        if dotted.endswith("[]"):
            name = dotted[:-2]
            own = method.owner.registries if method.owner else {}
            yield from own.get(name.removeprefix("self.").removeprefix("cls."), ())
            yield from method.module.registries.get(name, ())
        elif dotted == "cls" and method.owner:
            yield method.owner.name
        elif dotted:
            yield dotted


def _is_client(name: str) -> bool:
    """Whether something outside of the codebase is a client or a model of a provider's package."""
    last = name.rpartition(".")[2]
    return provider_of_package(name) is not None and last[:1].isupper() and words.is_model(last)
