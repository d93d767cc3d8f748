"""Which agent observations are an invocation: those that are no part of an execution of the same agent around them.

The outermost counts. It ends last, and is known before by its opened record; what stands between has none, and is known
when it ends. An agent observation waits for that, if there is an execution that it may be a part of.
"""

from collections import OrderedDict
from typing import Any, Final, NamedTuple

_MOST: Final = 10_000


class Invocation(NamedTuple):
    """An agent observation that has ended."""

    trace_id: str
    agent: str
    tenant: str
    status: str
    duration_ns: int | None

    @property
    def whose(self) -> tuple[str, str, str]:
        """What two executions of one agent within each other have in common."""
        return self[:3]


class Executions:
    """What runs, as far as it is known, and what waits for what lies between it and an execution around it."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[str, tuple[str, str, str] | None]] = OrderedDict()
        """By id: the parent, and whose execution it is when it is one."""
        self._waiting: OrderedDict[str, list[Invocation]] = OrderedDict()
        """By the id of the observation that they wait for."""

    def open(self, id: str, parent: str, whose: tuple[str, str, str] | None) -> None:
        """A root or an agent has started."""
        self._open[id] = parent, whose
        if len(self._open) > _MOST:
            self._open.popitem(last=False)

    def end(self, id: str, parent: str, invocation: Invocation | None) -> list[Invocation]:
        """An observation has ended, which may be one of an agent; gives what counts from now on."""
        self._open.pop(id, None)
        counting: list[Invocation] = []
        for each in self._waiting.pop(id, ()):
            counting += self._settle(each, parent)
        if invocation is not None:
            counting += self._settle(invocation, parent)
            counting += self._released(invocation)
        return counting

    def to_json(self) -> dict[str, Any]:
        """As the state file holds it."""
        return {"open": list(self._open.items()), "waiting": list(self._waiting.items())}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Executions":
        """The inverse. Raises KeyError, TypeError or ValueError for what this class has not written."""
        executions = cls()
        for id, (parent, whose) in found["open"]:
            if whose is not None:
                trace_id, agent, tenant = whose
                whose = trace_id, agent, tenant
            executions._open[id] = parent, whose
        for id, waiting in found["waiting"]:
            executions._waiting[id] = [Invocation(*each) for each in waiting]
        return executions

    def _settle(self, invocation: Invocation, parent: str) -> list[Invocation]:
        """The invocation when it counts, nothing when it is a part of another one or has to wait."""
        while parent in self._open:
            parent, whose = self._open[parent]
            if whose is not None:
                return [] if whose == invocation.whose else [invocation]
        if not parent or not self._is_open(invocation):
            return [invocation]
        self._waiting.setdefault(parent, []).append(invocation)
        return self._waiting.popitem(last=False)[1] if len(self._waiting) > _MOST else []

    def _released(self, ended: Invocation) -> list[Invocation]:
        """What waited for the sake of an execution that has ended: what lies between would have ended before."""
        if not self._waiting or self._is_open(ended):
            return []
        released: list[Invocation] = []
        for id, waiting in list(self._waiting.items()):
            released += [each for each in waiting if each.whose == ended.whose]
            self._waiting[id] = [each for each in waiting if each.whose != ended.whose]
            if not self._waiting[id]:
                del self._waiting[id]
        return released

    def _is_open(self, invocation: Invocation) -> bool:
        return any(whose == invocation.whose for _, whose in self._open.values())
