"""Runs one page of the documentation from top to bottom, as its reader would: `python -m tests.support.run_page PAGE`.

Python blocks share one namespace and run in this process; `$` lines of console blocks run as commands in the working
directory. What a page shows as printed has to be what was printed; `…` in it stands for anything.
"""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.support.pages import Block, blocks

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_SECONDS: Final = 30


def run(page: Path) -> None:
    """Raise at the first block that does not do what the page says."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed: str | None = None
    for block in blocks(page):
        if block.order == "file":
            Path(block.argument).write_text(block.text, encoding="utf-8")
        elif block.order == "not run":
            continue
        elif block.order == "prints":
            _compare(block, printed)
        elif block.language == "python":
            printed = _execute(block, namespace)
        elif block.language == "console":
            _type(block)


def _execute(block: Block, namespace: dict[str, Any]) -> str:
    # Empty lines before it, so that a traceback names the line of the page.
    code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        exec(code, namespace)
    return stdout.getvalue()


def _compare(block: Block, printed: str | None) -> None:
    assert printed is not None, f"{block.place}: no python block stands above it"
    pattern = ".*".join(map(re.escape, block.text.strip().split("…")))
    if not re.fullmatch(pattern, printed.strip(), re.DOTALL):
        raise AssertionError(f"{block.place} shows\n\n{block.text}\nbut this was printed:\n\n{printed}")


def _type(block: Block) -> None:
    for command, shown in _commands(block):
        done = subprocess.run(
            _as_run_here(command), capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"{block.place}: `{command}` ended with {done.returncode}\n{output}"
        missing = [word for word in _words(shown) if word not in output]
        assert not missing, f"{block.place}: `{command}` did not print {missing}, but\n\n{output}"


def _commands(block: Block) -> list[tuple[str, str]]:
    """Each command with the output that the page shows below it."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block.place}: a console block begins with `$ `"
    return [(command.strip(), shown) for command, _, shown in (part.partition("\n") for part in parts[1:])]


def _as_run_here(command: str) -> list[str]:
    program, *arguments = shlex.split(command, comments=True)
    if program == "agent-trace":
        return [sys.executable, "-m", "agent_trace", *arguments]
    assert program == "python", f"only `python` and `agent-trace` are run, not {command!r}"
    return [sys.executable, *arguments]


def _words(shown: str) -> list[str]:
    """The words of an output, without ids and figures, which are others every time."""
    tokens = [token for token in shown.split() if not any(character.isdigit() for character in token)]
    return [word for token in tokens if "…" not in token for word in _WORD.findall(token)]


if __name__ == "__main__":
    run(Path(sys.argv[1]))
