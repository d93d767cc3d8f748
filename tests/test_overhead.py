"""What tracing costs, with wide margins: not the figures (`make bench` has those) but that they have not got out of hand."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEASURE = "import json; from benchmarks import overhead; print(json.dumps(overhead.measure(rounds=3)))"


def test_a_traced_call_stays_far_below_the_peers_and_off_is_next_to_nothing() -> None:

    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, cwd=ROOT, check=True
    )
    us = json.loads(done.stdout.splitlines()[-1])
    assert us["traced"] < us["langfuse.observe"] / 2
    assert us["traced, async"] < us["langfuse.observe, async"] / 2
    assert us["traced, switched off"] < 20 * us["plain"]
    assert us["traced, 200 KB argument"] < 100 * us["traced"]
    assert us["traced, item of an async generator"] < us["traced"]
