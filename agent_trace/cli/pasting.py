"""What follows from a proposal: the settings to paste, whole lines that no terminal may cut, and what to run."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from agent_trace.discovery import Proposal
from agent_trace.discovery.clients import INSTRUMENTORS
from agent_trace.settings import project_root

_NOTHING = """
Nothing here looks as if it asked a model. Name what does, or decorate it with @observe_llm:
  agent-trace run --instrument package.module:Class.method SCRIPT"""

_RUN_ITSELF = """
What stands in a file that no other imports is attached when something imports it. When that
file is the script that you run, decorate it, or attach to what it imports."""


def to_paste(found: Proposal) -> str:
    """The end of the answer, as text."""
    return "\n".join(_lines(found))


def _lines(found: Proposal) -> Iterator[str]:
    if found.instrument:
        file = _settings_file(found.start)
        yield f"\nTo paste into {file}:\n"
        yield from (_ini if file == "setup.cfg" else _toml)(found.instrument)
        yield "\nThen run your program with it:\n\n  agent-trace run SCRIPT"
    else:
        yield _NOTHING
    if any(each.runs_itself for each in (*found.models, *found.agents, *found.functions)):
        yield _RUN_ITSELF
    yield from _by_provider(found)


def _by_provider(found: Proposal) -> Iterator[str]:
    packages = dict.fromkeys(
        f"openinference-instrumentation-{INSTRUMENTORS[name]}"
        for name in found.providers
        if name in INSTRUMENTORS
    )
    if packages:
        yield "\nFor the calls that bypass entry points, attach to the clients as well:\n"
        yield from (f"  pip install {package}" for package in packages)
        yield "  agent-trace run --providers SCRIPT"
    without = sum(number for name, number in found.providers.items() if name not in INSTRUMENTORS)
    if without:
        calls = "1 of them has" if without == 1 else f"{without} of them have"
        yield f"\n{calls} no client that can be attached to: decorate the function with @observe_llm."


def _settings_file(start: Path) -> str:
    root = project_root(start if start.is_dir() else start.parent)
    is_ini = (root / "setup.cfg").exists() and not (root / "pyproject.toml").exists()
    return "setup.cfg" if is_ini else "pyproject.toml"


def _toml(entries: Sequence[str]) -> list[str]:
    return ["[tool.agent_trace]", "instrument = [", *(f'    "{each}",' for each in entries), "]"]


def _ini(entries: Sequence[str]) -> list[str]:
    return ["[agent_trace]", "instrument =", *(f"    {each}" for each in entries)]
