"""What metrics add to a traced call: CPU of the caller and of the whole process, served and scraped or not, in turn.

A program that makes 500 calls a second, spread over it or one after the other, serves its own metrics, and is scraped four
times a second: sixty times as often as Prometheus does. `python -m benchmarks.metrics` prints the figures by themselves.
"""

import argparse
import shutil
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from agent_trace import LangFuseTracker, observe_llm
from benchmarks.rounds import warm_memory
from benchmarks.workload import answer, conversations

SCRAPE_S = 0.25
_OVERHEAD_US = 15
"""What a traced call may take, metrics or not: the aim of the overhead benchmark, where calls come one after the other."""


class Rhythm(NamedTuple):
    """How often calls come, and how many at a time; a few at a time find the caches of the processor cold."""

    groups: int
    calls: int
    pause_s: float


SPREAD = Rhythm(groups=8, calls=50, pause_s=0.1)
AT_ONCE = Rhythm(groups=2, calls=500, pause_s=1.0)


class Spent(NamedTuple):
    """Microseconds a call: CPU of the calling thread, CPU of the process, time that went by until it returned."""

    caller: float
    process: float
    waited: float


def measure(rhythm: Rhythm, rounds: int) -> dict[str, Spent]:
    """Medians over all rounds, without metrics and with them."""
    from agent_trace.metrics.serving import serve

    directory = Path(tempfile.mkdtemp())
    warm_memory(directory)
    tracker = LangFuseTracker(directory=directory / "store", quiet=True, max_store_bytes=64 << 20)
    traced = observe_llm(answer)
    traced(conversations(1)[0])
    served = serve(directory / "store", "127.0.0.1", 0)
    url = f"http://127.0.0.1:{served.port}/metrics"
    kept: dict[str, list[Spent]] = {"without metrics": [], "with metrics": []}
    for number in range(rounds + 1):
        for name, found in kept.items():
            spent = _round(traced, rhythm, scraped(url) if name == "with metrics" else nullcontext())
            if number:
                found.append(spent)
            scrape(url)  # what a round without metrics has recorded is not for the next one to count
    served.close()
    tracker.shutdown()
    shutil.rmtree(directory, ignore_errors=True)
    return {name: Spent(*map(statistics.median, zip(*found, strict=True))) for name, found in kept.items()}


def _round(traced: Callable[..., object], rhythm: Rhythm, meanwhile: AbstractContextManager[None]) -> Spent:
    caller_s = waited_s = 0.0
    groups = [conversations(rhythm.calls) for _ in range(rhythm.groups)]
    process_s = time.process_time()
    with meanwhile:
        for group in groups:
            began_s, thread_s = time.perf_counter(), time.thread_time()
            for messages in group:
                traced(messages)
            caller_s += time.thread_time() - thread_s
            waited_s += time.perf_counter() - began_s
            time.sleep(rhythm.pause_s)
    process_s = time.process_time() - process_s
    calls = rhythm.groups * rhythm.calls
    return Spent(*(each_s / calls * 1e6 for each_s in (caller_s, process_s, waited_s)))


@contextmanager
def scraped(url: str) -> Iterator[None]:
    """Scrape now and then while the block runs, and once more when it has ended."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(SCRAPE_S):
            scrape(url)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        scrape(url)


def scrape(url: str) -> bytes:
    """What Prometheus would get."""
    with urllib.request.urlopen(url, timeout=60) as answered:
        body: bytes = answered.read()
    return body


def main() -> None:
    """Measure and print. `--quick` takes fewer rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 5 if parser.parse_args().quick else 15
    print("| a traced call, 500 a second | with metrics, scraped | without | must |\n|---|---:|---:|---:|")
    for name, rhythm, must in (
        ("50 at a time", SPREAD, ""),
        ("500 at a time", AT_ONCE, f"≤ {_OVERHEAD_US} µs"),
    ):
        spent = measure(rhythm, rounds)
        metered, bare = spent["with metrics"], spent["without metrics"]
        for what, ours, theirs, limit in (
            ("CPU of the caller", metered.caller, bare.caller, must),
            ("until it returns", metered.waited, bare.waited, must),
            ("CPU of the process", metered.process, bare.process, ""),
        ):
            print(f"| {name}: {what} | {ours:.1f} µs | {theirs:.1f} µs | {limit} |")


if __name__ == "__main__":
    main()
