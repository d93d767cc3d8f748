"""Which method an agent is run by: the outermost that its class tree declares, one for each class that does."""

from collections.abc import Iterator

from agent_trace.discovery import words
from agent_trace.discovery.codebase import Codebase, Method
from agent_trace.discovery.facts import Class, Function
from agent_trace.discovery.models import is_callable_method, is_decorated
from agent_trace.discovery.trees import Trees


def agent_methods(codebase: Codebase, trees: Trees) -> Iterator[Method]:
    """One method for each agent class that does not have it from one above, and functions that are agents."""
    for module in codebase.modules:
        for function in module.functions.values():
            if words.is_agent_function(function.name, function.parameters):
                yield Method(module, None, function)
    covered: set[Class] = set()
    for each in _from_above(trees):
        if each.is_local or trees.is_protocol(each) or not _is_agent(each, trees):
            continue
        if any(above in covered for above in trees.ancestors(each)) or _is_traced(each, trees):
            continue
        found = _outermost(each)
        if found is not None:
            covered.add(each)
            yield from (Method(each.module, each, method) for method in found)


def _from_above(trees: Trees) -> list[Class]:
    """Bases before what derives from them, otherwise in the order of files."""
    return sorted(trees.classes, key=lambda each: sum(1 for _ in trees.ancestors(each)))


def _is_agent(each: Class, trees: Trees) -> bool:
    names = [each.name, *(above.name for above in trees.ancestors(each)), *trees.outside[each]]
    return words.is_agent(each.name) or (
        any(words.is_agent(name.rpartition(".")[2]) for name in names[1:]) and not words.is_model(each.name)
    )


def _is_traced(each: Class, trees: Trees) -> bool:
    """Whether methods of the tree are decorated already."""
    return any(is_decorated(method) for below in trees.family(each) for method in below.methods.values())


def _outermost(each: Class) -> list[Function] | None:
    """The method, and its async twin if that goes a way of its own."""
    ranked = [
        (rank, method)
        for name, method in each.methods.items()
        if (rank := words.agent_rank(name)) is not None
        and is_callable_method(method)
        and not method.runs_forever
    ]
    if not ranked:
        return None
    first = min(ranked, key=lambda pair: pair[0])[1]
    twin = each.methods.get(f"a{first.name}")
    if twin is None or first.name in twin.calls or twin.name in first.calls:
        return [first]
    return [first, twin]
