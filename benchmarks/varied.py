"""A store as a busy month leaves it: many tenants, agents, models and sessions, errors, signals, amendments.

    python -m benchmarks.varied DIRECTORY [--observations N]

Writes the segments and builds the index. Among the traces are one of 10,000 observations and some that were
interrupted.
"""

import argparse
import itertools
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from agent_trace.store import Store
from benchmarks.index import POOL, SEGMENT_BYTES, prose
from tests.support.segments import START_NS, write_segment

TENANTS, AGENTS, SESSIONS, DAYS = 100, 40, 5_000, 30
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "house-7b")
ACTIONS = ("BUY", "SELL", "HOLD", "HOLD", "NOTHING")
SYMBOLS = ("AAPL", "MSFT", "NVDA", "BTC/USDT", "ETH/USDT")
LARGE = 10_000
DAY_NS = 86_400_000_000_000
MS = 1_000_000


def main() -> None:
    """Parse, write, index."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--observations", type=int, default=1_000_000)
    options = parser.parse_args()
    if not (options.directory / "segments").exists():
        write_varied(options.directory, options.observations, time.time_ns())
    begun = time.perf_counter()
    with Store(options.directory) as store:
        store.refresh()
        rows_s = time.perf_counter() - begun
        store.refresh_text()
    print(f"rows in {rows_s:.0f} s, text in {time.perf_counter() - begun - rows_s:.0f} s")


def write_varied(directory: Path, observations: int, end_ns: int) -> None:
    """Segments of about 8 MiB, the last one ending at `end_ns`."""
    random.seed(11)
    desk = Desk(end_ns - DAYS * DAY_NS, DAYS * DAY_NS // observations)
    lines, size, started_ns = list[bytes](), 0, desk.now_ns
    for line in desk.lines(observations):
        lines.append(line)
        size += len(line)
        if size > SEGMENT_BYTES - 2048:
            _write(directory, lines, started_ns)
            lines, size, started_ns = [], 0, desk.now_ns
    _write(directory, lines, started_ns)


def _write(directory: Path, lines: list[bytes], started_ns: int) -> None:
    write_segment(directory, lines, started_s=(started_ns - START_NS) / 1e9, pid=4242)


class Desk:
    """Makes one trace after the other, each a run of a few agents for one tenant."""

    def __init__(self, start_ns: int, step_ns: int) -> None:
        self.now_ns = self._start_ns = start_ns
        self._step_ns = step_ns
        self._said = [json.dumps(" ".join(itertools.islice(prose(), 60)))[1:-1] for _ in range(POOL)]
        self._left = 0

    def lines(self, observations: int) -> Iterator[bytes]:
        """Records in the order they would be written, until so many observations are there."""
        self._left = observations
        yield from self._large_trace()
        number = 0
        while self._left > 0:
            yield from self._trace(number)
            number += 1

    def _trace(self, number: int) -> Iterator[bytes]:
        scope = _scope((self.now_ns - self._start_ns) / (DAYS * DAY_NS))
        trace_id, root = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
        members = random.sample(range(AGENTS), random.randint(1, 3))
        begun_ns = self.now_ns
        yield self._line(
            "opened", trace_id, root, None, "agent", "desk", begun_ns, 0, _agent(members[0]) + scope
        )
        for member in members:
            yield from self._member(trace_id, root, member, scope)
        if number % 500 == 499:
            return
        failed = (
            ',"level":"ERROR","error":{"type":"DeskFailed","message":"no quorum"}' if number % 50 == 0 else ""
        )
        said = f'{_agent(members[0])}{scope},"input":"{self._text()}","output":"{self._text()[:200]}","tags":["desk"]{failed}'
        yield self._line(
            "observation", trace_id, root, None, "agent", "desk", begun_ns, self.now_ns - begun_ns, said
        )

    def _member(self, trace_id: str, root: str, member: int, scope: str) -> Iterator[bytes]:
        """An agent with a call or two and a tool, and perhaps a signal."""
        agent, begun_ns = _agent(member) + scope, self.now_ns
        id = f"{random.getrandbits(64):016x}"
        for _ in range(random.choice((1, 1, 2))):
            yield self._generation(trace_id, id, member, agent)
        name = f"fetch_{SYMBOLS[member % 5].lower().replace('/', '_')}"
        said = f'{agent},"input":"{self._text()[:120]}","output":"{self._text()[:120]}"'
        yield self._line(
            "observation",
            trace_id,
            f"{random.getrandbits(64):016x}",
            id,
            "tool",
            name,
            self.now_ns,
            40 * MS,
            said,
        )
        signal = f',"signal":{_signal()}' if random.random() < 0.4 else ""
        end_ns = self.now_ns
        yield self._line(
            "observation",
            trace_id,
            id,
            root,
            "agent",
            f"agent-{member}",
            begun_ns,
            end_ns - begun_ns,
            agent + signal,
        )
        if random.random() < 0.05:
            late = f'{{"v":1,"kind":"amendment","trace_id":"{trace_id}","id":"{id}","at_ns":{end_ns},"signal":{_signal()}}}\n'
            yield late.encode()

    def _generation(self, trace_id: str, parent: str, member: int, agent: str) -> bytes:
        model = MODELS[(member + (random.random() < 0.3)) % len(MODELS)]
        took_ns = int(random.lognormvariate(0.1 + member % 7 / 5, 0.6) * 1e9)
        level = ""
        if random.random() < 0.02:
            level = ',"level":"ERROR","error":{"type":"RateLimit","message":"503"}'
        usage = f'{{"input":{random.randint(100, 9000)},"output":{random.randint(10, 900)},"cache_read":{random.choice((0, 0, 512))}}}'
        messages = f'{{"messages":[{{"role":"user","content":"{self._text()}"}}]}}'
        said = f'{agent},"model":"{model}","usage":{usage},"input":{messages},"output":"{self._text()[:200]}"{level}'
        id = f"{random.getrandbits(64):016x}"
        return self._line(
            "observation", trace_id, id, parent, "generation", "generate", self.now_ns, took_ns, said
        )

    def _large_trace(self) -> Iterator[bytes]:
        """One trace of 10,000 observations, a hundred below each of a hundred."""
        trace_id, root, scope = "1a49e" * 6 + "00", f"{random.getrandbits(64):016x}", _scope(0)
        begun_ns = self.now_ns
        parents = [f"{random.getrandbits(64):016x}" for _ in range(99)]
        for number in range(min(LARGE, self._left // 2) - 100):
            yield self._generation(
                trace_id, parents[number % 99], number % AGENTS, _agent(number % AGENTS) + scope
            )
        for parent in parents:
            yield self._line(
                "observation",
                trace_id,
                parent,
                root,
                "chain",
                "batch",
                begun_ns,
                self.now_ns - begun_ns,
                _agent(1) + scope,
            )
        yield self._line(
            "observation",
            trace_id,
            root,
            None,
            "agent",
            "night run",
            begun_ns,
            self.now_ns - begun_ns,
            _agent(1) + scope,
        )

    def _line(
        self,
        kind: str,
        trace_id: str,
        id: str,
        parent: str | None,
        type: str,
        name: str,
        start_ns: int,
        took_ns: int,
        said: str,
    ) -> bytes:
        end = ""
        if kind == "observation":
            end = f',"end_ns":{start_ns + took_ns}'
            self.now_ns += self._step_ns
            self._left -= 1
        above = f',"parent_id":"{parent}"' if parent else ""
        return f'{{"v":1,"kind":"{kind}","trace_id":"{trace_id}","id":"{id}"{above},"type":"{type}","name":"{name}","start_ns":{start_ns}{end}{said}}}\n'.encode()

    def _text(self) -> str:
        return random.choice(self._said)


def _scope(share: float) -> str:
    """A session belongs to one tenant and lasts half a day or so: those that are open change as the month goes by."""
    session = min(int(share * SESSIONS + random.expovariate(1 / 80)), SESSIONS - 1)
    return f',"tenant_id":"tenant-{session * 7 % TENANTS}","session_id":"session-{session}","user_id":"user-{session % 700}"'


def _agent(member: int) -> str:
    return f',"agent_id":"agent-{member}","agent_name":"Agent {member}"'


def _signal() -> str:
    percent = random.randint(30, 95)
    return f'{{"action":"{random.choice(ACTIONS)}","confidence":{percent},"confidence_scale":"0-100","confidence_percent":{percent},"symbol":"{random.choice(SYMBOLS)}"}}'


if __name__ == "__main__":
    main()
