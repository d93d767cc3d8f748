"""Direct calls of providers' clients: which run inside an entry point, and which bypass them all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent_trace.discovery import words
from agent_trace.discovery.codebase import Codebase, Method
from agent_trace.discovery.facts import Class, ClientCall, Module
from agent_trace.discovery.models import is_decorated
from agent_trace.discovery.trees import Trees


@dataclass(frozen=True, slots=True)
class Direct:
    """A call, where it stands, and the entry point that it runs inside, if any."""

    module: Module
    method: Method | None
    call: ClientCall
    attached_by: Method | None


class Reach:
    """What runs inside the entry points: their overrides, and what those call on themselves."""

    def __init__(self, trees: Trees, chosen: Iterable[Method]) -> None:
        self._reached: dict[tuple[Class, str], Method] = {}
        self._functions: dict[tuple[Module, str], Method] = {}
        for method in chosen:
            if method.owner is None:
                self._functions[method.module, method.function.name] = method
            else:
                for each in trees.family(method.owner):
                    self._follow(each, method, trees)

    def _follow(self, each: Class, chosen: Method, trees: Trees) -> None:
        """Everything that the method calls on an object of this class, whichever class has it."""
        line = [each, *trees.ancestors(each)]
        waiting = [chosen.function.name]
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for owner in line:
                if name in owner.methods:
                    self._reached.setdefault((owner, name), chosen)
                    waiting.extend(owner.methods[name].calls)

    def of(self, method: Method) -> Method | None:
        """The entry point that a method runs inside of; None when there is none."""
        if method.owner is None:
            return self._functions.get((method.module, method.function.name))
        return self._reached.get((method.owner, method.function.name))


def direct_calls(codebase: Codebase, reach: Reach) -> Iterator[Direct]:
    """Every call of a provider's client, in the order of files and lines."""
    for module in codebase.modules:
        for call in module.client_calls:
            yield Direct(module, None, call, None)
    for method in codebase.methods():
        for call in method.function.client_calls:
            yield Direct(method.module, method, call, reach.of(method))


def functions_to_attach(bypassing: Iterable[Direct]) -> list[Method]:
    """Functions that ask a client and do little else, so that a call of them is a question and its answer."""
    found: dict[str, Method] = {}
    for each in bypassing:
        method = each.method
        if method is not None and each.attached_by is None and _is_a_question(method):
            found[method.entry] = method
    return list(found.values())


def _is_a_question(method: Method) -> bool:
    function = method.function
    return (
        words.names_a_model(function.name)
        and function.returns_value
        and not function.runs_forever
        and len(function.client_calls) <= 2
        and not is_decorated(function)
        and function.name not in ("main", "__init__")
        and not (method.owner and method.owner.is_local)
    )
