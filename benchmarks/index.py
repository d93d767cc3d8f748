"""How fast the index takes observations in, and answers once it is large.

    python benchmarks/index.py [--traces N] [--sizes 1024,4608] [--keep DIRECTORY]

Writes segments of synthetic traces (one generation each), indexes them, and asks: newest 50, 50 of one
agent, 50 of a rare session, text. The first part measures the rates, each size in a store of its own.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent_trace.costs import price  # noqa: E402
from agent_trace.store import Filter, Store  # noqa: E402
from tests.support.segments import START_NS, write_segment  # noqa: E402

Answer = TypeVar("Answer")

SEGMENT_BYTES = 8 << 20
RATE_OBSERVATIONS = 40_000
POOL = 2_000
STEP_NS = 50_000_000
AGENTS = ("analyst", "risk", "execution", "supervisor")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, default=1_000_000, help="size of the store that is asked")
    parser.add_argument("--sizes", default="1024,4608", help="sizes of a record for the rates, in bytes")
    parser.add_argument(
        "--keep", type=Path, help="make the store here, or use the one that is here, and leave it"
    )
    options = parser.parse_args()
    for size in map(int, options.sizes.split(",")):
        measure_rates(size)
    measure_answers(options.traces, options.keep)


def measure_rates(record_bytes: int) -> None:
    """Observations per second into the rows and into the full text."""
    directory = Path(tempfile.mkdtemp(prefix="agent-trace-bench-"))
    try:
        write_store(directory, RATE_OBSERVATIONS, record_bytes)
        # Loading the price table takes 0.3 s, once in a process: not a matter of rates.
        price("gpt-4o", {"input": 1}, START_NS)
        with Store(directory) as store:
            cpu_before_s = time.process_time()
            rows_s, count = timed(store.refresh)
            cpu_s = time.process_time() - cpu_before_s
            text_s, _ = timed(store.refresh_text)
        print(
            f"{record_bytes / 1024:4.1f} KB a record: {count / rows_s:9,.0f} observations/s into the rows "
            f"(target 15,000; {cpu_s / count * 1e6:.0f} µs of CPU each), {count / text_s:9,.0f}/s into the full text, {count / (rows_s + text_s):9,.0f}/s in all; "
            f"index {index_bytes(directory) / count:,.0f} bytes an observation"
        )
    finally:
        shutil.rmtree(directory)


def measure_answers(traces: int, keep: Path | None) -> None:
    """Time of each question to a store of so many traces."""
    directory = keep or Path(tempfile.mkdtemp(prefix="agent-trace-bench-"))
    try:
        if not (directory / "segments").exists():
            write_store(directory, traces, 1024)
        with Store(directory) as store:
            rows_s, count = timed(store.refresh)
            text_s, _ = timed(store.refresh_text)
            print(f"{count:,} observations indexed in {rows_s:.0f} s, their text in {text_s:.0f} s")
            print(
                f"index: {index_bytes(directory) / 1e9:.2f} GB for {journal_bytes(directory) / 1e9:.2f} GB of journal"
            )
            ask_all(store)
    finally:
        if keep is None:
            shutil.rmtree(directory)


def ask_all(store: Store) -> None:
    """Every question a few times, with the refresh that comes before it."""
    middle = store.traces(limit=1)[0].start_ns - 1_000_000 * STEP_NS // 2
    ask("newest 50 traces (target 50 ms)", lambda: store.traces(limit=50))
    ask("50 of one agent", lambda: store.traces(Filter(agent="risk"), limit=50))
    ask("50 from the middle", lambda: store.traces(Filter(until_ns=middle), limit=50))
    ask("one rare session", lambda: store.traces(Filter(session="session-7"), limit=50), rounds=3)
    ask("a common word (target 300 ms)", lambda: store.search("momentum"))
    ask("two words", lambda: store.search("momentum volatility"))
    ask("a rare word", lambda: store.search("zyzzyva"))
    ask("a phrase", lambda: store.search('"momentum is strong"'))
    ask("a word and an agent", lambda: store.search("momentum", Filter(agent="risk")))
    ask("one trace", lambda: [store.trace(store.traces(limit=1)[0].trace_id)])
    ask("costs by agent", lambda: store.costs(), rounds=3)


def ask(what: str, question: Callable[[], list[object]] | Callable[[], object], rounds: int = 9) -> None:
    """Print the first and the median time of a question."""
    times = [timed(question) for _ in range(rounds)]
    found = times[0][1]
    count = len(found) if isinstance(found, list) else 1
    median_s = statistics.median(seconds for seconds, _ in times)
    print(f"  {what:34} {median_s * 1000:9.1f} ms  (first {times[0][0] * 1000:8.1f} ms, {count} found)")


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Seconds that something takes, and what it gives."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def write_store(directory: Path, observations: int, record_bytes: int) -> None:
    """Segments of 8 MiB with one finished generation a trace, the ids random, the words of a small language."""
    random.seed(7)
    bodies = [body(record_bytes) for _ in range(POOL)]
    lines = (line(number, bodies) for number in range(observations))
    per_segment = SEGMENT_BYTES // record_bytes
    for first in range(0, observations, per_segment):
        started_s = first * STEP_NS / 1e9
        write_segment(directory, itertools.islice(lines, per_segment), started_s=started_s, pid=os.getpid())


def line(number: int, bodies: list[bytes]) -> bytes:
    """One record; every 100,000th has a word that no other has, every 1,000th its session."""
    start_ns = START_NS + number * STEP_NS
    rare = "zyzzyva" if number % 100_000 == 0 else "usual"
    head = (
        f'{{"v":1,"kind":"observation","trace_id":"{random.getrandbits(128):032x}","id":"{random.getrandbits(64):016x}",'
        f'"type":"generation","name":"generate","start_ns":{start_ns},"end_ns":{start_ns + 900_000_000},'
        f'"agent_id":"{AGENTS[number % 4]}","session_id":"session-{number // 1000}","metadata":{{"note":"{rare}"}},'
    )
    return head.encode() + bodies[number % len(bodies)]


def body(record_bytes: int) -> bytes:
    """The part of a record that many share: input, output, model, usage."""
    words = list(itertools.islice(prose(), max((record_bytes - 450) // 7, 5)))
    said, answered = words[: len(words) * 3 // 4], words[len(words) * 3 // 4 :]
    fields = {
        "tenant_id": "acme",
        "input": {"messages": [{"role": "user", "content": " ".join(said)}]},
        "output": " ".join(answered),
        "model": random.choice(("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5")),
        "usage": {"input": random.randint(100, 9000), "output": random.randint(10, 900)},
        "process": {"pid": 1, "host": "bench", "service": "desk"},
    }
    return json.dumps(fields, separators=(",", ":")).encode()[1:] + b"\n"


def prose() -> Iterator[str]:
    """Words as a text has them: some very often, most hardly ever; now and then a word of the trade."""
    language, weights = vocabulary()
    while True:
        if random.random() < 0.03:
            yield from ("momentum", "is", random.choice(("strong", "weak")), "volatility", "low")
        yield from random.choices(language, cum_weights=weights, k=8)


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """30,000 words, and how often each is used: as one over its rank."""
    words = ["".join(random.choices("etaoinshrdlu", k=random.randint(3, 9))) for _ in range(30_000)]
    return words, list(itertools.accumulate(1 / (rank + 5) for rank in range(len(words))))


def index_bytes(directory: Path) -> int:
    """Size of the index with its log."""
    return sum(path.stat().st_size for path in directory.glob("index.sqlite*"))


def journal_bytes(directory: Path) -> int:
    """Size of all segments."""
    return sum(path.stat().st_size for path in (directory / "segments").iterdir())


if __name__ == "__main__":
    main()
