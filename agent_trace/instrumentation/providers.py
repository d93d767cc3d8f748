"""`instrument_providers`: attach to the clients of providers through OpenInference's instrumentors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent_trace.instrumentation import places
from agent_trace.instrumentation.attaching import Handle, instrument
from agent_trace.instrumentation.attachments import Attached, Attachment
from agent_trace.instrumentation.entry_points import missing
from agent_trace.instrumentation.instrumentors import (
    KNOWN,
    Instrumentor,
    client_of,
    install_command,
    installed,
    normal,
    uncovered,
)
from agent_trace.instrumentation.options import Options
from agent_trace.instrumentation.problem_counts import contained, note
from agent_trace.instrumentation.switches import Switch
from agent_trace.recording import health

_USUAL: Final = ("openai", "anthropic")

_switches: Final[dict[str, Switch]] = {}


@dataclass(frozen=True, slots=True, order=True)
class Provider:
    """One client and its instrumentor. `module`: what is imported to use it; `version`: of the instrumentor, if installed.

    state: `attached`; `waiting` for the client to be imported; `installed`, not attached; `program`: the program switched it on
    itself; `failed`; `not installed`: the client is there, its instrumentor is not.
    """

    name: str
    state: str
    module: str
    version: str | None


class _Client(Attachment):
    """The part of one `instrument_providers` call in one instrumentor."""

    def __init__(self, name: str, switch: Switch | None) -> None:
        super().__init__(f"provider {name}", Options())
        self._switch = switch

    def row(self) -> Attached:
        """How it stands."""
        if self._switch is None:
            return Attached(self.text, "missing", ())
        return Attached(self.text, self._switch.state, self._switch.changed)

    def undo(self) -> None:
        """Want the instrumentor no longer."""
        if self._switch is not None:
            self._switch.drop(self)


def instrument_providers(*names: str) -> Handle:
    """Observe every request of provider clients: switches on the OpenInference instrumentors that are installed.

        instrument_providers()
        instrument_providers("openai", "anthropic")

    names: `openai`, `anthropic`, `litellm`, `langchain`, …; without names, whichever are installed. A client that is not
        imported yet is attached when it is; nothing is imported for it before.

    `uninstrument` takes the handle back. Below an attached or decorated model, tokens and cost of the client count once. Never raises:
    names that are unknown or not installed are said once on stderr, with what to install.
    """
    # An empty handle, for what is added to be undone by `uninstrument()` as well.
    handle = instrument()
    there = contained("looking for instrumentors", installed) or {}
    wanted = [normal(str(each)) for each in names] or list(there)
    if not wanted:
        _say_that_there_is_none()
    for name in dict.fromkeys(wanted):
        contained("attaching a provider", _attach, handle, name, there)
    health.changed()
    return handle


def providers() -> list[Provider]:
    """Every client that is or could be attached in this process. Imports none of them."""
    there = installed()
    states = {name: switch.state for name, switch in _switches.items() if switch.is_wanted}
    rows = [
        Provider(each.name, states.get(each.name, "installed"), each.module, each.version)
        for each in there.values()
    ]
    rows += [Provider(name, "not installed", client_of(name), None) for name in uncovered(there)]
    return sorted(rows)


def _attach(handle: Handle, name: str, there: dict[str, Instrumentor]) -> None:
    with places.changing():
        switch = _switches.get(name)
        if switch is None and name in there:
            switch = _switches[name] = Switch(there[name])
        client = _Client(name, switch)
        handle.add(client)
        if switch is None:
            note(_why_not(name), aloud=True)
            return
    # Outside of the lock: an import that waits for it in another thread may be what this one waits for.
    switch.want(client)


def _why_not(name: str) -> str:
    if name in KNOWN:
        return f"{name} is not attached: its instrumentor is not installed. {install_command([name])}"
    return str(missing("instrument_providers", name, "what OpenInference has an instrumentor for", KNOWN))


def _say_that_there_is_none() -> None:
    lacking = contained("looking for clients", uncovered, {}) or list(_USUAL)
    note(f"no instrumentor of a provider is installed. {install_command(lacking)}", aloud=True)
