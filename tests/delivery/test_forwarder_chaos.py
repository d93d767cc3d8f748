"""Forwarding processes that are killed, and that fight: with real processes, and a backend that is a file."""

import random
import time
from collections import Counter
from pathlib import Path

from agent_trace.delivery.forwarding.batching import MOST_ITEMS
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.delivery.standing.orders import extend_history
from tests.support.backends import MemoryBackend, forwarder_of
from tests.support.journals import start_program
from tests.support.segments import record, write_segment

BATCH = MOST_ITEMS
FORWARD = """
import os, sys, time
from pathlib import Path
from agent_trace.delivery.backend import Answer, Item
from agent_trace.delivery.forwarding.forwarder import Forwarder

class FileBackend:
    name, address = "langfuse", "file"
    fd = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    def encode(self, record, line=None):
        return [Item(record["id"], "spans", None, 200)]
    def send(self, items, timeout_s):
        time.sleep(0.002)
        # One write a batch. A kill may cut it short, within a line, too: the next begins on a line of its own.
        os.write(self.fd, ("\\n" + "".join(f"{item.id} {os.getpid()}\\n" for item in items)).encode())
        time.sleep(0.002)
        return Answer("accepted", 200, "")
    def close(self): pass

forwarder = Forwarder(Path(sys.argv[1]), [FileBackend()])
print("ready", flush=True)
sys.stdin.readline()
while True:
    outcome = forwarder.run_once()
    if outcome.delivered:
        break
    time.sleep(0.01)
forwarder.close()
"""


def _store(directory: Path, segments: int, records: int) -> set[str]:
    for segment in range(segments):
        first = 1 + segment * records
        lines = [record(id=f"{number:x}") for number in range(first, first + records)]
        write_segment(directory, lines, started_s=segment)
    extend_history(directory, "langfuse", 1)
    return {f"{number:016x}" for number in range(1, segments * records + 1)}


def _accepted(path: Path) -> list[str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [line[:16] for line in lines if len(line) > 16]


def test_fifty_kills_miss_nothing_and_repeat_at_most_a_batch_each(tmp_path: Path) -> None:
    recorded, accepted = _store(tmp_path, 40, 1000), tmp_path / "accepted"
    rng, kills = random.Random(7), 0
    for _ in range(50):
        with start_program(FORWARD, tmp_path, accepted) as forwarder:
            assert forwarder.stdout is not None and forwarder.stdin is not None
            forwarder.stdout.readline()
            forwarder.stdin.write(b"go\n")
            time.sleep(rng.random() * 0.03)
            kills += forwarder.poll() is None
            forwarder.kill()
        (ledger,) = delivery_ledgers(tmp_path)
        assert ledger.delivered + ledger.pending == ledger.recorded == len(recorded)
        assert ledger.delivered <= len(set(_accepted(accepted)))
    with start_program(FORWARD, tmp_path, accepted) as forwarder:
        forwarder.communicate(b"go\n", timeout=60)
    counts = Counter(_accepted(accepted))
    assert set(counts) == recorded
    assert sum(counts.values()) - len(recorded) <= kills * BATCH
    assert kills >= 30
    assert delivery_ledgers(tmp_path)[0].delivered == len(recorded)


def test_forwarders_that_fight_for_a_store_send_everything_once(tmp_path: Path) -> None:
    recorded, accepted = _store(tmp_path, 10, 1000), tmp_path / "accepted"
    forwarders = [start_program(FORWARD, tmp_path, accepted) for _ in range(4)]
    for forwarder in forwarders:
        assert forwarder.stdout is not None
        forwarder.stdout.readline()
    for forwarder in forwarders:
        assert forwarder.stdin is not None
        forwarder.stdin.write(b"go\n")
    for forwarder in forwarders:
        assert forwarder.communicate(timeout=60)[1] == b""
        assert forwarder.returncode == 0
    assert sorted(_accepted(accepted)) == sorted(recorded)


def test_the_next_forwarder_takes_over_from_one_that_died(tmp_path: Path) -> None:
    recorded, accepted = _store(tmp_path, 20, 1000), tmp_path / "accepted"
    with start_program(FORWARD, tmp_path, accepted) as forwarder:
        assert forwarder.stdout is not None and forwarder.stdin is not None
        forwarder.stdout.readline()
        forwarder.stdin.write(b"go\n")
        while not _accepted(accepted):
            time.sleep(0.005)
        forwarder.kill()
    backend = MemoryBackend()
    assert forwarder_of(tmp_path, backend).run_once().delivered
    rest = {each["id"] for each in backend.arrivals}
    assert set(_accepted(accepted)) | rest == recorded
    assert len(set(_accepted(accepted)) & rest) <= BATCH
