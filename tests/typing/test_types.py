"""mypy sees through the decorator."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def mypy(path: Path) -> list[str]:
    """The lines of `path` that mypy complains of, as `line: message`."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--no-error-summary", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return [line for line in done.stdout.splitlines() if ": error:" in line and path.name in line]


def test_what_is_right_passes_in_strict_mode() -> None:
    assert mypy(HERE / "good.py") == []


def test_what_is_wrong_is_refused_at_the_right_lines() -> None:
    path = HERE / "bad.py"
    marked = {number for number, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# E")}
    refused = {int(line.split(":")[1]) for line in mypy(path)}
    assert refused == marked
