"""The examples in docs/journal.md work on a real store."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_trace.recording.journal.journal import Journal
from tests.support.journals import ROOT

_TEXT = (ROOT / "docs" / "journal.md").read_text()


def _examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    journal = Journal(tmp_path / ".agent_trace", service="desk")
    for name, level in (("analyst", None), ("broker", "ERROR")):
        record = {"v": 1, "kind": "observation", "name": name, "level": level, "error": {"type": "Timeout"}}
        journal.append(json.dumps(record).encode() + b"\n")
    journal.count_lost("too_large")
    yield tmp_path  # not closed yet: what a live segment has at its end must not disturb the commands
    journal.close()


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ['["analyst",null,null]', '["broker",null,null]']),
        (1, ['["broker","Timeout"]']),
        (2, ['"desk",null,{"too_large":1}']),
    ],
)
def test_shell_example(project: Path, number: int, expected: list[str]) -> None:
    done = subprocess.run(
        ["sh", "-ec", _examples("sh")[number]], cwd=project, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == len(expected)
    assert all(part in found for part, found in zip(expected, lines, strict=True))


def test_python_example(project: Path) -> None:
    (example,) = _examples("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=project,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "observation analyst\nobservation broker\n"


def test_every_reason_for_a_loss_is_documented() -> None:
    source = "".join(
        (ROOT / "agent_trace" / "recording" / "journal" / name).read_text()
        for name in ("problems.py", "journal.py")
    )
    reasons = set(re.findall(r'^    errno\.\w+: "(\w+)"', source, re.MULTILINE))
    reasons |= set(re.findall(r'(?:_lose|count_lost)\("(\w+)"', source)) | {"disk_error"}
    assert reasons == set(re.findall(r"^\| `(\w+)` \|", _TEXT.split("## Why observations")[1], re.MULTILINE))
