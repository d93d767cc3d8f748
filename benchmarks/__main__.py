"""`make bench`: everything measured in one run, and the table for the README."""

import argparse
import subprocess
import sys

from benchmarks import delivery, imports, memory, overhead


def main() -> None:
    """Measure and print. `--quick` takes fewer rounds and a smaller index."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, 100,000 traces instead of a million"
    )
    quick = parser.parse_args().quick
    calls = overhead.measure(rounds=5 if quick else 25)
    loaded = imports.measure(rounds=3 if quick else 9)
    grown = memory.measure_apart(40_000 if quick else 200_000)
    delivered = delivery.measure(10_000 if quick else 50_000)
    print("| what | measured | must |\n|---|---:|---:|")
    for what, measured, must in [*_calls(calls), *_imports(loaded), *_memory(grown), *_delivery(delivered)]:
        print(f"| {what} | {measured} | {must} |")
    sys.stdout.flush()
    command = [sys.executable, "-m", "benchmarks.metrics", *(["--quick"] if quick else [])]
    subprocess.run(command, check=True)
    command = [sys.executable, "-m", "benchmarks.index", *(["--traces", "100000"] if quick else [])]
    subprocess.run(command, check=True)
    command = [sys.executable, "-m", "benchmarks.page", *(["--observations", "100000"] if quick else [])]
    subprocess.run(command, check=True)


def _calls(us: dict[str, float]) -> list[tuple[str, str, str]]:
    ratio = us["langfuse.observe"] / us["traced"]
    cold, peer_cold = us["traced, after a pause"] / 1000, us["langfuse.observe, after a pause"] / 1000
    item = us["traced, item of an async generator"] - us["plain, item"]
    return [
        ("traced call, 3.3 KB in, 1.2 KB out, redacted, on disk", f"{us['traced']:.1f} µs", "≤ 15 µs"),
        ("the same, async", f"{us['traced, async'] - us['plain, async']:.1f} µs", "≤ 18 µs"),
        ("`langfuse.observe`, same call", f"{us['langfuse.observe']:.0f} µs ({ratio:.1f} ×)", "≥ 10 ×"),
        ("`langfuse.observe`, async", f"{us['langfuse.observe, async']:.0f} µs", ""),
        ("span of the OpenTelemetry SDK, same call", f"{us['OpenTelemetry SDK span']:.0f} µs", ""),
        (
            "one call after 0.1 s of sleep, with cold caches",
            f"{cold:.2f} ms (`langfuse.observe` {peer_cold:.2f})",
            "",
        ),
        ("switched off", f"{us['traced, switched off']:.2f} µs", "≤ 0.6 µs"),
        ("200 KB argument", f"{us['traced, 200 KB argument'] / 1000:.2f} ms", "≤ 0.6 ms"),
        ("one item of an async generator", f"{item:.1f} µs", "≤ 3 µs"),
    ]


def _imports(loaded: dict[str, tuple[float, float]]) -> list[tuple[str, str, str]]:
    must = {"import agent_trace": "≤ 30 ms, ≤ 5 MB"}
    return [
        (f"`{name}`", f"{ms:.0f} ms, {mb:.1f} MB", must.get(name, "")) for name, (ms, mb) in loaded.items()
    ]


def _memory(grown: dict[str, float]) -> list[tuple[str, str, str]]:
    first, last = grown.items()
    return [(f"memory: {first[0]}, {last[0]}", f"{first[1]:.1f}, {last[1]:.1f}", "flat")]


def _delivery(delivered: dict[str, delivery.Delivered]) -> list[tuple[str, str, str]]:
    ours = "agent_trace"
    return [
        (
            f"a burst delivered by {name}: CPU a call, kept, exit after a flush",
            f"{each.cpu_us:.0f} µs, {each.kept / each.calls:.1%}, {each.exit_s:.1f} s",
            "≤ 60 µs, 100 %, 2 s" if name == ours else "",
        )
        for name, each in delivered.items()
    ]


if __name__ == "__main__":
    main()
