"""Whatever order of appends, deaths, failures and kills: everything arrives, and the ledger balances."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.delivery.backend import Answer, Item
from agent_trace.delivery.forwarding import batching, route, sending
from agent_trace.delivery.forwarding.forwarder import Forwarder
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.recording.journal.eviction import evict
from agent_trace.recording.journal.journal import Journal
from agent_trace.store import Store
from tests.support.backends import (
    ACCEPTED,
    BUSY,
    DOWN,
    WRONG_KEY,
    Killed,
    MemoryBackend,
    StandingClock,
    forwarder_of,
)
from tests.support.segments import START_NS, record

BATCH = 4
_quick = settings(deadline=None, max_examples=60)


@pytest.fixture(autouse=True, scope="module")
def small_batches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "MOST_ITEMS", BATCH)
        patch.setattr(sending, "MOST_ITEMS", BATCH)
        patch.setattr(batching, "MOST_ENTRIES", 7)
        patch.setattr(route, "STEP_BYTES", 2000)
        yield


_writer = st.integers(0, 2)
_mishap = st.sampled_from(
    ["none", "none", "down", "busy", "key", "before send", "after send", "before commit", "after commit"]
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("observe"), _writer, st.sampled_from([1, 3, 9])),
        st.tuples(st.just("open"), _writer, st.just(0)),
        st.tuples(st.just("amend"), _writer, st.integers(0, 30)),
        st.tuples(st.just("score"), _writer, st.integers(0, 30)),
        st.tuples(st.just("close"), _writer, st.just(0)),
        st.tuples(st.just("die"), _writer, st.sampled_from([0, 200])),
        st.tuples(st.just("forward"), st.integers(1, 5), _mishap),
        st.tuples(st.just("wait"), st.sampled_from([1, 61, 301]), st.just(0)),
    ),
    max_size=30,
)


class World:
    """Three writers, one backend, and a forwarder that is killed now and then."""

    def __init__(self, directory: Path, refused: frozenset[int] = frozenset()) -> None:
        self.directory = directory
        self.writers = [self._new_writer() for _ in range(3)]
        self.authors: list[int] = []
        self.tags: dict[str, list[str]] = {}
        self.scores = 0
        self.recorded = self.torn = self.kills = 0
        self.refused = {f"{number:016x}" for number in refused}
        self.time = StandingClock()
        self.backend = MemoryBackend(script=self._answer)
        self.answers: list[Answer | str] = []
        self.forwarder = self._new_forwarder()
        self.forwarder.run_once()

    def _new_writer(self) -> Journal:
        return Journal(self.directory, segment_bytes=16 << 10, max_store_bytes=None)

    def _new_forwarder(self) -> Forwarder:
        return forwarder_of(self.directory, self.backend, clock=self.time.clock)

    def _answer(self, items: Sequence[Item]) -> Answer:
        if any(item.id in self.refused for item in items):
            return Answer("refused", 400, "poison")
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        if isinstance(answer, Answer):
            return answer
        if answer == "after send":
            self.backend.take(items)
        raise Killed

    def _append(self, writer: int, made: dict[str, Any]) -> None:
        assert self.writers[writer].append(orjson.dumps(made) + b"\n")
        self.recorded += 1

    def observe(self, writer: int, count: int) -> None:
        for _ in range(count):
            number = len(self.authors) + 1
            self.authors.append(writer)
            self.tags[f"{number:x}"] = []
            self._append(
                writer, record(id=f"{number:x}", trace_id=f"{number % 3}", input="x" * (number % 5) * 90)
            )

    def open(self, writer: int, _: int) -> None:
        self._append(writer, record("opened", id=f"{len(self.authors) + 1:x}"))

    def amend(self, _: int, which: int) -> None:
        if which < len(self.authors):
            id, tag = f"{which + 1:x}", f"t{self.recorded}"
            self.tags[id].append(tag)
            self._append(
                self.authors[which],
                record(
                    "amendment",
                    id=id,
                    trace_id=f"{(which + 1) % 3}",
                    tags=[tag],
                    at_ns=START_NS + self.recorded,
                ),
            )

    def score(self, _: int, which: int) -> None:
        if which < len(self.authors):
            self.scores += 1
            value = {"name": "q", "value": self.scores}
            self._append(self.authors[which], record("score", id=f"{which + 1:x}", score=value))

    def close(self, writer: int, _: int) -> None:
        self.writers[writer].close()

    def die(self, writer: int, body_bytes: int) -> None:
        segment = self.writers[writer].segment
        if segment is not None and segment.mapping is not None:
            start = segment.position
            segment.mapping[start + 1 : start + 1 + body_bytes] = b"x" * body_bytes
            self.torn += body_bytes > 0
            segment.abandon()
        self.writers[writer] = self._new_writer()

    def wait(self, seconds: int, _: int) -> None:
        self.time.pass_s(seconds)

    def forward(self, at: int, mishap: str) -> None:
        """A pass in which something goes wrong at the `at`-th request or commit."""
        failure = {"down": DOWN, "busy": BUSY, "key": WRONG_KEY}.get(mishap)
        self.answers = [ACCEPTED] * (at - 1)
        if failure is not None:
            self.answers.append(failure)
        elif mishap.endswith("send"):
            self.answers.append(mishap)
        elif mishap.endswith("commit"):
            self._kill_at_commit(at, mishap)
        try:
            self.forwarder.run_once()
        except Killed:
            self.kills += 1
            self.forwarder.close()
            self.forwarder = self._new_forwarder()
        self.forwarder._state.__dict__.pop("commit", None)
        self.answers = []

    def _kill_at_commit(self, at: int, mishap: str) -> None:
        state, count = self.forwarder._state, 0
        real: Callable[..., None] = type(state).commit

        def commit(*arguments: Any) -> None:
            nonlocal count
            count += 1
            if count == at and mishap == "before commit":
                raise Killed
            real(state, *arguments)
            if count == at:
                raise Killed

        state.commit = commit  # type: ignore[method-assign]

    def check_ledger(self) -> None:
        for ledger in delivery_ledgers(self.directory):
            held = sum(ledger.held_back.values()) + sum(ledger.lost.values())
            parts = ledger.delivered, ledger.pending, ledger.dead_lettered, ledger.evicted, ledger.torn
            assert min(parts) >= 0
            assert ledger.recorded == sum(parts) + ledger.damaged + held
            assert ledger.recorded == self.recorded + self.torn

    def settle(self) -> None:
        for _ in range(20):
            self.time.pass_s(400)
            if self.forwarder.run_once().delivered:
                return
        raise AssertionError("it never ends")


def _live(steps: list[tuple[str, Any, Any]], world: World) -> None:
    for name, one, two in steps:
        step: Callable[[Any, Any], None] = getattr(world, name)
        step(one, two)
        world.check_ledger()


@_quick
@given(_steps)
def test_everything_arrives_whole_whatever_happens(steps: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        _live(steps, world)
        world.settle()
        world.check_ledger()
        assert sorted(world.backend.ids) == sorted(world.tags)
        for id, tags in world.tags.items():
            assert sorted(world.backend.last(id).get("tags", [])) == sorted(tags), id
        values = {each["score"]["value"] for each in world.backend.arrivals if each["kind"] == "score"}
        assert values == set(range(1, world.scores + 1))
        for ledger in delivery_ledgers(world.directory):
            assert (ledger.delivered, ledger.pending, ledger.torn) == (world.recorded, 0, world.torn)
            with Store(world.directory) as store:
                assert store.ledger().recorded == ledger.recorded
        world.forwarder.close()


_plain_steps = st.lists(
    st.one_of(
        st.tuples(st.just("observe"), _writer, st.sampled_from([1, 3, 9])),
        st.tuples(st.just("score"), _writer, st.integers(0, 30)),
        st.tuples(st.just("close"), _writer, st.just(0)),
        st.tuples(st.just("forward"), st.integers(1, 5), _mishap),
        st.tuples(st.just("wait"), st.sampled_from([1, 61, 301]), st.just(0)),
    ),
    max_size=30,
)


@_quick
@given(_plain_steps, st.frozensets(st.integers(1, 40), max_size=4))
def test_at_most_one_batch_a_kill_is_sent_twice_also_while_poison_is_looked_for(
    steps: list[tuple[str, Any, Any]], refused: frozenset[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), refused)
        _live(steps, world)
        world.settle()
        world.check_ledger()
        poison = {id for id in world.tags if id.rjust(16, "0") in world.refused}
        assert set(world.backend.ids) == set(world.tags) - poison
        assert world.backend.repeated <= world.kills * BATCH
        assert [ledger.pending for ledger in delivery_ledgers(world.directory)] in ([], [0])
        world.forwarder.close()


@_quick
@given(_steps, st.lists(st.integers(0, 29), max_size=3))
def test_the_ledger_balances_when_segments_are_evicted_at_any_time(
    steps: list[tuple[str, Any, Any]], evictions: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for number, (name, one, two) in enumerate(steps):
            if name != "die":  # torn places go uncounted with their segment
                getattr(world, name)(one, two)
            if number in evictions:
                evict(world.directory, max_bytes=0)
            world.check_ledger()
        world.settle()
        world.check_ledger()
        for ledger in delivery_ledgers(world.directory):
            with Store(world.directory) as store:
                store.refresh()
                assert store.ledger().recorded == ledger.recorded
        world.forwarder.close()
