"""Which methods of which classes ask a model: found by names, parameters and what the class tree does."""

from collections.abc import Iterator

from agent_trace.discovery import words
from agent_trace.discovery.codebase import Method
from agent_trace.discovery.facts import Class, Function
from agent_trace.discovery.trees import Trees

_NOT_CALLED = ("property", "cached_property", "setter", "getter", "overload")


def model_methods(trees: Trees) -> Iterator[Method]:
    """The methods that ask, each of the class that declares it first."""
    for each in trees.classes:
        if each.is_local or _is_agent(each, trees) or trees.is_protocol(each):
            continue
        chosen = [
            method
            for method in each.methods.values()
            if _asks(each, method, trees) and not _is_decorated(each, method, trees)
        ]
        for method in chosen:
            if not _only_passes_on(each, method, chosen, trees):
                yield Method(each.module, each, method)


def is_callable_method(method: Function) -> bool:
    """Whether it is called like a function: not a property, and not an overload."""
    return not any(each.rpartition(".")[2] in _NOT_CALLED for each in method.decorators)


def is_decorated(method: Function) -> bool:
    """Whether it is traced already."""
    return any(each.rpartition(".")[2] == "observe_llm" for each in method.decorators)


def _is_decorated(each: Class, method: Function, trees: Trees) -> bool:
    """Whether it, or what it calls on itself, is traced already, in any class of the tree."""
    return any(
        is_decorated(below.methods[name])
        for below in trees.family(each)
        for name in _called(below, method.name)
    )


def _is_agent(each: Class, trees: Trees) -> bool:
    names = [each.name, *(above.name for above in trees.ancestors(each)), *trees.outside[each]]
    return any(words.is_agent(name.rpartition(".")[2]) for name in names)


def _asks(each: Class, method: Function, trees: Trees) -> bool:
    sureness = words.asks(method.name)
    if not is_callable_method(method) or not trees.declares_first(each, method.name):
        return False
    if not sureness:
        return bool(method.client_calls) and not method.name.startswith("_") and _is_thin(method)
    family = list(trees.family(each))
    sounds = any(map(words.is_model, (each.name, *trees.outside[each])))
    asked = words.takes_a_prompt(method.parameters)
    if any(below.methods[method.name].client_calls for below in family if method.name in below.methods):
        return True
    has_provider = any(below.module.providers for below in family) and any(map(_calls_client, family))
    if sureness == 2:
        return (has_provider and (sounds or asked)) or (sounds and asked)
    is_provider = any(map(words.is_provider, (each.name, *trees.outside[each])))
    return asked and (is_provider or any(_reaches_client(below, method.name) for below in family))


def _is_thin(method: Function) -> bool:
    return words.names_a_model(method.name) and method.returns_value and len(method.client_calls) == 1


def _calls_client(each: Class) -> bool:
    return any(method.client_calls for method in each.methods.values())


def _reaches_client(each: Class, method: str) -> bool:
    """Whether a method calls a client, or another method of its class that does."""
    return any(each.methods[name].client_calls for name in _called(each, method))


def _called(each: Class, method: str) -> set[str]:
    """The method and those of the same class that it calls, directly or not."""
    seen, waiting = set[str](), [method]
    while waiting:
        name = waiting.pop()
        if name in each.methods and name not in seen:
            seen.add(name)
            waiting.extend(each.methods[name].calls)
    return seen


def _only_passes_on(each: Class, method: Function, chosen: list[Function], trees: Trees) -> bool:
    """Whether it calls another one of the chosen, and nobody does it in another way: that other one is enough."""
    others = {other.name for other in chosen if other is not method and method.name not in other.calls}
    return bool(method.calls & others) and not method.client_calls and not trees.overrides(each, method.name)
