"""One consumer under way: sends window by window, writes down what was settled, waits after a failure."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agent_trace.delivery.backend import Answer, Backend
from agent_trace.delivery.forwarding.backoff import Backoff, Clock
from agent_trace.delivery.forwarding.batching import CHANNELS, Window
from agent_trace.delivery.forwarding.entry import account
from agent_trace.delivery.forwarding.remembered import catch_up, note_ahead
from agent_trace.delivery.forwarding.sampling import Sampling
from agent_trace.delivery.forwarding.sending import Sender
from agent_trace.delivery.forwarding.supply import Supply
from agent_trace.delivery.standing.done import DoneList
from agent_trace.delivery.standing.state import Advance, DeliveryState, StateChanged, note_acceptance

_LOOK_AROUND_S: Final = 3600.0
_MOST_REFUSED: Final = 1000
"""After so many refusals in a row the backend is at fault, not the records: it is given time, not all of them."""


class Consumer:
    """Takes what is recorded to one backend. Every method may raise sqlite3.Error and OSError.

    What was read and not settled is kept in memory only while all goes well: after a failure it is read again.
    """

    def __init__(
        self,
        directory: Path,
        backend: Backend,
        state: DeliveryState,
        sampling: Sampling,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self.name = backend.name
        self.backoff = Backoff(clock)
        self.is_up_to_date = False
        self.settled = 0
        self._directory = directory
        self._backend = backend
        self._state = state
        self._sampling = sampling
        self._clock = clock
        self._report = report
        self._done = DoneList(directory, self.name)
        self._sender = Sender(backend, clock)
        self._supply: Supply | None = None
        self._window: Window | None = None
        self._generation = -1
        self._first: tuple[str, ...] = ()
        self._problem: str | None = None
        self._has_told_of_dead = False
        self._refused_in_a_row = 0
        self._look_around_at_s = 0.0

    def begin(self, first: Sequence[str] = ()) -> None:
        """Start a pass over everything that this consumer has not got."""
        self._first = tuple(first)
        self.is_up_to_date = False
        self.settled = 0
        if self._supply is not None and self._state.generation(self.name) != self._generation:
            self.forget()
        supply = self._begin()
        if self._clock.monotonic_s() >= self._look_around_at_s:
            self._look_around_at_s = self._clock.monotonic_s() + _LOOK_AROUND_S
            self._done.match(self._since_ns, supply.route.finished, supply.route.present)
            self._done.touch()
            supply.prune(self._clock.wall_ns())

    def forget(self) -> None:
        """Let go of what is in memory: somebody else changed the state, or it was started over."""
        self._supply = self._window = None
        self._look_around_at_s = 0.0

    def unread_bytes(self) -> int:
        """How much this pass has before it, about."""
        return 0 if self._supply is None else self._supply.route.unread_bytes()

    def step(self, deadline_s: float | None) -> bool:
        """Send one window; False when there is nothing more, or nothing that can be done now."""
        try:
            return self._step(deadline_s)
        except StateChanged:
            self.forget()
            self._begin()
            return True

    def _begin(self) -> Supply:
        if self._supply is None:
            self._since_ns = self._registered_ns()
            self._generation = self._state.generation(self.name)
            self._supply = Supply(
                self._directory,
                self._backend,
                self._state,
                self._since_ns,
                self._sampling,
                self._clock,
                self._report,
            )
        self._supply.begin(self._first)
        return self._supply

    def _registered_ns(self) -> int:
        since_ns = self._state.since_ns(self.name)
        if since_ns is None:
            # The list outlives a state that was damaged: what is history stays history.
            since_ns = self._done.since_ns()
            if since_ns is None:
                since_ns = self._clock.wall_ns()
                self._done.write(since_ns, ())
            self._state.register(self.name, since_ns)
        return since_ns

    def _step(self, deadline_s: float | None) -> bool:
        if self._window is not None:
            # Its commit failed: some of it was sent, and must not be sent again.
            self._commit(self._window)
            self._go_back()
        if self.backoff.remaining_s > 0:
            return False
        supply = self._supply or self._begin()
        window = supply.window(self._sender.pace.most_bytes)
        if not window.entries:
            self.is_up_to_date = True
            return False
        self._window = window
        if all(self._send(window, channel, supply, deadline_s) for channel in CHANNELS):
            self._commit(window)
            self._window = None
            return True
        self._go_back()
        return False

    def _go_back(self) -> None:
        """Let go of what was read and not settled."""
        self._supply = self._window = None

    def _send(self, window: Window, channel: str, supply: Supply, deadline_s: float | None) -> bool:
        """Send one channel of a window; False when the rest of it has to wait."""
        batch = window.batch(channel)
        left = len(batch)
        for answer, sent in self._sender.send(batch, deadline_s) if batch else ():
            if not sent:
                self._fail(answer)
                return False
            left -= len(sent)
            is_refused = answer.verdict == "refused"
            for entry, _ in sent:
                entry.unanswered -= 1
                if is_refused:
                    supply.bury(entry, answer)
                    self._tell_of_dead(answer)
            self._commit(window, accepted=not is_refused)
            self._recover()
            self._refused_in_a_row = self._refused_in_a_row + 1 if is_refused else 0
            if self._refused_in_a_row >= _MOST_REFUSED:
                self._refused_in_a_row = 0
                self._fail(answer)
                return False
        return left == 0

    def _commit(self, window: Window, accepted: bool = False) -> None:
        """Write down what of a window is settled, in one transaction."""
        settled, rest = window.split()
        advances, effects = account(settled)
        effects += [catch_up(self.name, each.segment, each.offset) for each in settled if each.is_ahead]
        ahead = [entry for entry in rest if entry.items and not entry.unanswered and not entry.is_ahead]
        for entry in ahead:
            effects += [note_ahead(self.name, entry.segment, entry.offset, entry.outcome), *entry.effects]
        if not advances and not effects:
            return
        if accepted:
            effects.append(note_acceptance(self.name, self._clock.wall_ns()))
        self._state.commit(self.name, self._generation, advances, effects)
        for entry in ahead:
            entry.is_ahead = True
        window.entries = rest
        self.settled += sum(sum(advance.counts.values()) for advance in advances.values())
        self._finish(advances)

    def _finish(self, advances: dict[str, Advance]) -> None:
        finished = [name for name, advance in advances.items() if advance.finished]
        if finished and self._supply is not None:
            self._supply.route.finished.update(finished)
            self._done.add(finished)

    def _fail(self, answer: Answer) -> None:
        self.backoff.fail(answer)
        problem = f"{self._backend.address}: {answer.text}"
        if self._problem is None or self.backoff.is_unauthorized:
            self._state.tell_problem(self.name, problem, self._clock.wall_ns())
        if self.backoff.is_unauthorized and self._problem != problem:
            self._report(f"{self.name} takes nothing with these credentials: {problem}")
        self._problem = problem

    def _recover(self) -> None:
        self.backoff.succeed()
        self._problem = None

    def _tell_of_dead(self, answer: Answer) -> None:
        if not self._has_told_of_dead:
            self._has_told_of_dead = True
            self._report(
                f"{self.name} refused an observation for good (HTTP {answer.status}: {answer.text[:200]}). It is kept: "
                "`agent-trace forward --dead` lists what was refused and tries it again."
            )
