"""What `agent-trace forward` does: one pass or many, and what it says about them."""

import math
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Self

from agent_trace.cli.console import say, show, show_json, tell
from agent_trace.cli.progress import progress
from agent_trace.delivery.forwarding.forwarder import Outcome
from agent_trace.delivery.making import make_forwarder
from agent_trace.delivery.reader import list_segments
from agent_trace.delivery.standing import orders
from agent_trace.delivery.standing.dead_letters import DeadLetter
from agent_trace.delivery.standing.ledger import ConsumerLedger, delivery_ledgers
from agent_trace.delivery.wire.backends import wanted
from agent_trace.delivery.worker import Worker
from agent_trace.display import figures
from agent_trace.errors import AgentTraceError, StoreError, StoreMissing
from agent_trace.recording.journal.layout import create_store
from agent_trace.settings import Settings, load

_PATIENCE_S = 10.0
"""How long `--once` waits for another process that forwards the same store, and gets nothing done."""
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Project:
    """The settings to forward by, and the consumers that were asked for."""

    settings: Settings
    consumers: tuple[str, ...]

    @classmethod
    def of(cls, directory: Path | None, to: tuple[str, ...]) -> Self:
        """Of the project's settings, or another store. Raises AgentTraceError when there is nowhere to forward to."""
        settings = _settings(directory)
        configured = wanted(settings)
        for name in to or ("any",):
            if name not in configured and not (name == "any" and configured):
                raise AgentTraceError(_NOWHERE[name])
        return cls(settings, to or configured)

    @property
    def store(self) -> Path:
        """The store's directory."""
        return self.settings.directory

    def ledgers(self) -> dict[str, ConsumerLedger]:
        """How the consumers stand, by name."""
        return {
            each.consumer: each for each in delivery_ledgers(self.store) if each.consumer in self.consumers
        }


def _settings(directory: Path | None) -> Settings:
    settings = load()
    for problem in settings.problems:
        tell(problem)
    return settings if directory is None else replace(settings, directory=directory.absolute())


_LANGFUSE = "set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY (and LANGFUSE_BASE_URL for a server of your own)"
_OTLP = "set OTEL_EXPORTER_OTLP_ENDPOINT (and OTEL_EXPORTER_OTLP_HEADERS where it asks for a key)"
_NOWHERE = {
    "langfuse": f"there are no keys for Langfuse: {_LANGFUSE}, in the environment or in .env",
    "otlp": f"there is no OTLP endpoint: {_OTLP}, in the environment or in .env",
    "any": f"there is nowhere to forward to: {_LANGFUSE}, or {_OTLP}, in the environment or in .env",
}


_UNSET = {
    "langfuse": "remove LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY",
    "otlp": "remove OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)",
}


def forward_once(project: Project, *, as_json: bool) -> int:
    """Make one pass; the exit code."""
    _expect_records(project.store)
    before = project.ledgers()
    outcome = _pass(project)
    after = project.ledgers()
    if as_json:
        show_json(list(after.values()))
    else:
        for name in project.consumers:
            _tell_consumer(name, before.get(name), after.get(name), outcome)
    is_done = all(name in after and not after[name].pending for name in project.consumers)
    return 0 if is_done and _dead(after) <= _dead(before) else 1


def forward_until_stopped(project: Project) -> int:
    """Forward as it comes, until Ctrl-C or SIGTERM; the exit code."""
    create_store(project.store)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    worker = Worker(
        project.settings, lambda: replace(load(), directory=project.store), tell, project.consumers
    )
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    tell(f"forwarding {project.store} to {' and '.join(project.consumers)}. Ctrl-C ends.")
    worker.start()
    worker.hurry()
    while worker.is_working and not stopped.wait(0.5):
        pass
    if not stopped.is_set():
        tell("forwarding has failed repeatedly and ends; `agent-trace status` says more")
        return 1
    worker.finish(_STOP_S)
    return 0


def take_history(project: Project, since_ns: int) -> None:
    """Have the next pass send what was recorded before there were keys, too."""
    _expect_records(project.store)
    with _usable(project.store):
        for name in project.consumers:
            orders.extend_history(project.store, name, since_ns)


def forget(directory: Path | None, name: str) -> None:
    """Have nothing wait for a backend any more. Raises AgentTraceError for one that would be registered again at once."""
    settings = _settings(directory)
    if name in wanted(settings):
        raise AgentTraceError(
            f"{name} is configured, and would be owed everything again: {_UNSET[name]} first"
        )
    with _usable(settings.directory):
        was_known = orders.forget_consumer(settings.directory, name)
    if was_known:
        say(f"{name} is owed nothing any more. What was recorded stays in {settings.directory}.")
    else:
        tell(f"{name} was owed nothing by {settings.directory}")


def show_dead(project: Project, *, as_json: bool) -> None:
    """List the dead letters."""
    letters = _letters(project)
    if as_json:
        show_json(letters)
    elif letters:
        from agent_trace.cli.dead_table import dead_table

        show(dead_table(letters))
    else:
        tell("there are no dead letters: nothing was refused for good")


def retry_dead(project: Project) -> int:
    """Send the dead letters once more; the exit code."""
    with _usable(project.store):
        count = sum(orders.retry_dead(project.store, name) for name in project.consumers)
    if not count:
        return 0
    outcome = _pass(project)
    left = len(_letters(project))
    if outcome.holder is not None:
        tell(f"process {outcome.holder} forwards this store and will try them again")
        return 1
    tell(f"{figures.plural(count - left, 'dead letter')} delivered, {left:,} left")
    return 1 if left else 0


def _letters(project: Project) -> list[DeadLetter]:
    with _usable(project.store):
        return [letter for name in project.consumers for letter in orders.dead_letters(project.store, name)]


@contextmanager
def _usable(store: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the delivery state of {store} cannot be used: {error}") from error


def _expect_records(store: Path) -> None:
    if not list_segments(store):
        raise StoreMissing(f"nothing was recorded in {store} yet: there is nothing to forward")


def _pass(project: Project) -> Outcome:
    """One pass, once the store is not in the hands of another process any more, or after waiting for that in vain."""
    forwarder = make_forwarder(project.settings, tell, project.consumers)
    try:
        end_s, least = time.monotonic() + _PATIENCE_S, math.inf
        with progress("Forwarding") as advance:
            while True:
                outcome = forwarder.run_once(progress=advance)
                if outcome.holder is None or (pending := _pending(project)) == 0:
                    return outcome
                if pending < least:
                    end_s, least = time.monotonic() + _PATIENCE_S, pending
                elif time.monotonic() >= end_s:
                    return outcome
                time.sleep(0.2)
    finally:
        forwarder.close()


def _pending(project: Project) -> float:
    """Records that the backends have not got; infinite while one of them was never registered."""
    ledgers = project.ledgers()
    return sum(ledgers[name].pending if name in ledgers else math.inf for name in project.consumers)


def _dead(ledgers: dict[str, ConsumerLedger]) -> int:
    return sum(each.dead_lettered for each in ledgers.values())


def _tell_consumer(
    name: str, before: ConsumerLedger | None, after: ConsumerLedger | None, outcome: Outcome
) -> None:
    if after is None:
        tell(f"{name}: nothing was forwarded. {outcome.problem or ''}".rstrip())
        return
    delivered = after.delivered - (0 if before is None else before.delivered)
    line = f"{name}: {figures.plural(delivered, 'record')} delivered"
    if after.pending:
        why = f"process {outcome.holder} forwards this store" if outcome.holder else after.problem
        line += f", {after.pending:,} pending" + (f" ({why})" if why else "")
    say(line)
    if after.dead_lettered:
        tell(
            f"{name} refused {after.dead_lettered:,} for good; `agent-trace forward --dead` lists and retries them"
        )
    held = after.held_back.get("history", 0)
    if held:
        tell(
            f"{figures.plural(held, 'record')} from before {name} was set up stay here; "
            "`agent-trace forward --once --since 30d` sends them"
        )
