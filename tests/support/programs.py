"""Small traced programs, run for real in a process of their own."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path


def run_program(
    beginning: str,
    program: str,
    directory: Path,
    *,
    before: Callable[[], None] | None = None,
    store: str | None = None,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run `beginning` and `program` as one file in `directory`, recording to its `store`; `before` runs in the child."""
    path = directory / "program.py"
    path.write_text(beginning + textwrap.dedent(program))
    return subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "AGENT_TRACE_DIR": store or str(directory / "store"), **variables},
        cwd=directory,
        timeout=120,
        preexec_fn=before,
    )
