"""How long the page takes: at the server and until it is painted, a trace of 10,000 observations, 200 arriving a second.

    python -m benchmarks.page [--observations N] [--keep DIRECTORY]

Asks the store of `benchmarks.varied`, through a real `agent-trace ui` and a real Chromium.
"""

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent_trace.store import Filter, Store
from benchmarks.varied import write_varied
from tests.support.browser import Browser, browser
from tests.support.sites import Site, recording, site

CHARTS: Final = ("/costs", "/signals")
PAINTED: Final = (
    "const at = performance.getEntriesByName('first-contentful-paint')[0]; return at ? at.startTime : null"
)
DRAWN: Final = "return document.querySelector('.js-plotly-plot .main-svg') && performance.now()"
# Down the page and whatever scrolls inside it, a step a frame; how long the frames took, in milliseconds.
SCROLLED: Final = """
const done = arguments[0], frames = [];
const tall = [...document.querySelectorAll("main *")].filter(each => each.scrollHeight > each.clientHeight + 500
  && /auto|scroll/.test(getComputedStyle(each).overflowY));
const at = tall.sort((one, other) => other.scrollHeight - one.scrollHeight)[0] || document.scrollingElement;
let last = performance.now();
const step = now => {
  frames.push(now - last); last = now; at.scrollTop += at.clientHeight * 0.7;
  frames.length < 180 ? requestAnimationFrame(step) : done(frames.slice(1));
};
requestAnimationFrame(step);
"""
NEWEST: Final = """
const rows = [...document.querySelectorAll("main table tbody tr")];
return Math.max(-1, ...rows.map(row => Number(/tick (\\d+)/.exec(row.innerText)?.[1] ?? -1)));
"""
LIVE_RATE, LIVE_S = 200, 15


@dataclass(frozen=True)
class Opened:
    """One page: milliseconds at the server, until painted and until its chart is drawn (None: has none), and its size."""

    first_ms: float
    server_ms: float
    painted_ms: float
    drawn_ms: float | None
    kilobytes: float


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument(
        "--keep", type=Path, help="make the store here, or use the one that is here, and leave it"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agent-trace-bench-") as folder:
        store = options.keep or Path(folder) / "store"
        measure(store, options.observations)


def measure(store: Path, observations: int) -> None:
    """Print a table of pages, and a line each for the long trace and for what arrives."""
    if not (store / "segments").exists():
        write_varied(store, observations, time.time_ns())
    with Store(store) as opened:
        opened.refresh()
        opened.refresh_text()
        paths = paths_of(opened)
    print(
        "| page | server: first, then (≤ 150 ms) | painted (≤ 1 s) | chart drawn | HTML |\n|---|---:|---:|---:|---:|"
    )
    with site(store) as running, browser() as window:
        for name, path in paths.items():
            print(_row(name, open_page(running, window, path)), flush=True)
        print(scroll(running, window, paths["trace of 10,000"]), flush=True)
        print(live(running, window), flush=True)


def paths_of(store: Store) -> dict[str, str]:
    """Pages, and questions to them that people ask."""
    # Not what was recorded here to see how far behind the list is: that has no session and one agent.
    newest = store.traces(Filter(tag="desk"), limit=20)
    usual = max(newest, key=lambda row: row.observations)
    return {
        "traces": "/",
        "traces, the next page of": "",
        "traces of an agent": f"/?agent={usual.agent_id}",
        "traces with a word": "/?q=momentum",
        "traces with an error, of a tenant": f"/?status=error&tenant={usual.tenant_id}",
        "trace": f"/traces/{usual.trace_id}",
        "transcript": f"/traces/{usual.trace_id}?view=transcript",
        "trace of 10,000": f"/traces/{largest_of(store)}",
        "sessions": "/sessions",
        "session": f"/?session={usual.session_id}",
        "agents": "/agents",
        "agents of a week": "/agents?since=7d",
        "costs": "/costs",
        "costs of a tenant": f"/costs?tenant={usual.tenant_id}",
        "signals": "/signals",
        "signals of an agent": f"/signals?agent={usual.agent_id}",
        "status": "/status",
    }


def largest_of(store: Store) -> str:
    """The trace of 10,000 observations: the first that was written."""
    return next(iter(store.observations(limit=1, newest_first=False))).trace_id


def open_page(running: Site, window: Browser, path: str, rounds: int = 7) -> Opened:
    """Ask for a page, and open it, a few times."""
    if not path:
        older = re.search(r'href="(/\?[^"]*before=[^"]*)"', running.get("/").text)
        path = older[1].replace("&amp;", "&") if older else "/"
    times = [_timed_ms(lambda: running.get(path))]
    # One that is far off needs no median.
    rounds = rounds if times[0][0] < 3000 else 1
    times += [_timed_ms(lambda: running.get(path)) for _ in range(rounds)]
    answer = times[0][1]
    assert answer.status == 200, (path, answer.status)
    painted, drawn = [], []
    for _ in range(rounds):
        window.open(running.url + path)
        painted.append(window.wait("a paint", PAINTED))
        if path.partition("?")[0] in CHARTS:
            drawn.append(window.wait("a chart", DRAWN, timeout_s=20))
    return Opened(
        times[0][0],
        statistics.median(took for took, _ in times[1:]),
        statistics.median(painted),
        statistics.median(drawn) if drawn else None,
        len(answer.body) / 1000,
    )


def scroll(running: Site, window: Browser, path: str) -> str:
    """How smoothly a long trace scrolls, in words."""
    window.open(running.url + path)
    window.wait("a paint", PAINTED)
    frames = sorted(window.driver.execute_async_script(SCROLLED))
    worst, usual = frames[int(len(frames) * 0.95)], statistics.median(frames)
    return f"scrolling 10,000 observations: {usual:.0f} ms a frame, 95 % within {worst:.0f} ms, longest {frames[-1]:.0f} ms"


def live(running: Site, window: Browser) -> str:
    """How far behind the list is while observations arrive, in words."""
    window.open(running.url)
    behind: list[int] = []
    with recording(running.store, "each_second", str(LIVE_RATE), str(LIVE_S)) as process:
        begun = time.monotonic()
        while process.poll() is None:
            time.sleep(0.25)
            shown = window.ask(NEWEST)
            due = min(int((time.monotonic() - begun) * LIVE_RATE), LIVE_RATE * LIVE_S)
            behind.append(due - shown)
    last = LIVE_RATE * LIVE_S - 1
    ended = time.monotonic()
    window.wait("the last of them", lambda: window.ask(NEWEST) == last, timeout_s=30)
    usual, most = statistics.median(behind[4:]) / LIVE_RATE, max(behind[4:]) / LIVE_RATE
    return (
        f"{LIVE_RATE} observations a second for {LIVE_S} s: shown {usual:.1f} s after they were recorded, {most:.1f} s at "
        f"most; the last one {time.monotonic() - ended:.1f} s after the end"
    )


def _row(name: str, opened: Opened) -> str:
    drawn = "" if opened.drawn_ms is None else f"{opened.drawn_ms:.0f} ms"
    server = f"{opened.first_ms:.0f}, {opened.server_ms:.0f} ms"
    return f"| {name} | {server} | {opened.painted_ms:.0f} ms | {drawn} | {opened.kilobytes:.0f} KB |"


def _timed_ms(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return (time.perf_counter() - begun) * 1000, result


if __name__ == "__main__":
    main()
