"""One instrumentor, switched on with the first who wants it and off with the last."""

from __future__ import annotations

from typing import Any

import wrapt

from agent_trace.instrumentation import places
from agent_trace.instrumentation.instrumentors import Instrumentor
from agent_trace.instrumentation.problem_counts import contained, note
from agent_trace.instrumentation.proxies import Proxies
from agent_trace.instrumentation.restoring import Before, Change
from agent_trace.recording import health
from agent_trace.recording.capturing.attributes import type_name


class Switch:
    """`state` is `waiting` for the client, `attached`, `program` when the program has switched it on itself, or `failed`."""

    def __init__(self, instrumentor: Instrumentor) -> None:
        self.state = "waiting"
        self._given = instrumentor
        self._wanted_by: list[object] = []
        self._on: Any = None
        self._changes: list[Change] = []
        self._proxies: Proxies | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody wants it on."""
        return bool(self._wanted_by)

    @property
    def changed(self) -> tuple[str, ...]:
        """The functions that are wrapped."""
        return tuple(sorted({f"{_spelled(each.holder)}.{each.name}" for each in self._changes}))

    def want(self, owner: object) -> None:
        """Have it on as soon as the client is imported."""
        with places.changing():
            self._wanted_by.append(owner)
        # wrapt calls at once when the client is there already.
        wrapt.register_post_import_hook(self._client_imported, self._given.module)

    def drop(self, owner: object) -> None:
        """Do without it."""
        with places.changing():
            if owner not in self._wanted_by:
                return
            self._wanted_by.remove(owner)
            if self._wanted_by:
                return
            contained(f"switching off the instrumentor of {self._given.name}", self._switch_off)
            self.state = "waiting"

    def _client_imported(self, _module: object) -> None:
        with places.changing():
            if self._wanted_by and self.state == "waiting":
                self.state = "failed"
                contained(f"switching on the instrumentor of {self._given.name}", self._switch_on)
        health.changed()

    def _switch_on(self) -> None:
        # Not before the client is there: programs that never import it need none of this.
        from opentelemetry.instrumentation.dependencies import DependencyConflictError

        from agent_trace.instrumentation.nesting import ClientTracerProvider, in_the_callers_context

        instrumentor = self._given.entry_point.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            self.state = "program"
            note(
                f"{self._given.name}: the program has switched on its instrumentor itself, which is left as it is"
            )
            return
        before = Before(self._given.changes)
        try:
            instrumentor.instrument(tracer_provider=ClientTracerProvider(), raise_exception_on_conflict=True)
            in_the_callers_context(instrumentor)
            self.state, self._on = "attached", instrumentor
            self._proxies = contained("handing out streams as they are", Proxies, self._given.name)
        except DependencyConflictError as error:
            note(f"{self._given.name} is not attached: {error}", aloud=True)
        finally:
            self._changes = before.changes()
            if self.state == "failed":
                self._put_back()

    def _switch_off(self) -> None:
        instrumentor, self._on = self._on, None
        proxies, self._proxies = self._proxies, None
        if proxies is not None:
            contained("leaving streams alone", proxies.undo)
        try:
            if instrumentor is not None and instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.uninstrument()
        finally:
            self._put_back()

    def _put_back(self) -> None:
        changes, self._changes = self._changes, []
        for change in changes:
            change.undo()


def _spelled(holder: Any) -> str:
    return type_name(holder) if isinstance(holder, type) else str(holder.__name__)
