"""The shape of the package: which part may import which, what an import loads, and what is public."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent_trace

PACKAGE = Path(agent_trace.__file__).parent

BASE = {"errors", "observation", "settings", "settings_table"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "observation": set(),
    "migration": {"errors"},
    "setting_values": set(),
    "settings_table": {"setting_values"},
    "settings": {"errors", "settings_table"},
    "recording": BASE | {"recording"},
    "background": BASE | {"recording", "delivery", "spending"},
    "decorator": BASE | {"recording", "background"},
    "context": BASE | {"recording"},
    "credentials": set(),
    "agent_tracer": BASE | {"recording", "background"},
    "metrics": BASE | {"recording", "delivery", "costs", "store", "spending", "agent_tracer", "metrics"},
    "otel": BASE | {"recording", "otel", "background"},
    "instrumentation": BASE | {"recording", "decorator", "instrumentation", "otel"},
    "integrations": BASE | {"recording", "background", "metrics", "integrations"},
    "discovery": {"discovery", "instrumentation"},
    "tracker": BASE | {"recording", "decorator", "credentials", "background", "instrumentation"},
    "testing": BASE | {"recording"},
    "delivery": BASE | {"recording", "migration", "delivery", "costs"},
    "costs": BASE | {"recording", "costs"},
    "display": {"display"},
    "store": BASE | {"recording", "migration", "delivery", "costs", "store", "display"},
    "spending": BASE | {"recording", "costs", "store", "spending"},
    "reporting": BASE | {"recording", "delivery", "store", "instrumentation", "display", "reporting"},
    "viewer": BASE
    | {"recording", "delivery", "costs", "store", "spending", "instrumentation"}
    | {"display", "reporting", "viewer"},
    "cli": BASE
    | {"recording", "delivery", "costs", "store", "cli", "decorator", "context", "tracker", ""}
    | {"discovery", "instrumentation", "examples", "metrics", "spending", "display", "reporting", "viewer"},
    "__main__": {"cli"},
    "": {
        "agent_tracer",
        "context",
        "decorator",
        "instrumentation",
        "integrations",
        "store",
        "tracker",
        "metrics",
        "spending",
    },
}
HEAVY = ("langfuse", "httpx", "pydantic", "sqlite3", "opentelemetry.sdk", "rich", "click")


def part_of(module: str) -> str:
    """`agent_trace.store.schema` is in the part `store`; the package itself is the part ``."""
    return module.partition(".")[2].partition(".")[0]


def imports() -> Iterator[tuple[Path, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                named = (
                    {f"{node.module}.{each.name}" for each in node.names}
                    if node.module == "agent_trace"
                    else set()
                )
                for module in named or {node.module}:
                    yield path, module
            elif isinstance(node, ast.Import):
                for each in node.names:
                    yield path, each.name


def test_imports_point_one_way() -> None:
    wrong = []
    for path, module in imports():
        if module.partition(".")[0] != "agent_trace":
            continue
        relative = path.relative_to(PACKAGE)
        part = "" if relative == Path("__init__.py") else relative.parts[0].removesuffix(".py")
        if part == "examples":
            continue
        target = "" if module.endswith("__version__") else part_of(module)
        if target not in MAY_IMPORT[part]:
            wrong.append(f"{relative} imports {module}")
    assert wrong == []


def test_recording_imports_nothing_heavy_even_inside_functions() -> None:
    wrong = [
        f"{path.name} imports {module}"
        for path, module in imports()
        if path.is_relative_to(PACKAGE / "recording") and module.startswith(HEAVY)
    ]
    assert wrong == []


@pytest.mark.parametrize("code", ["", "import asyncio; f('x'); asyncio.run(g('x')); list(h())"])
def test_neither_the_import_nor_the_first_call_loads_anything_heavy(code: str, tmp_path: Path) -> None:
    program = f"""
import sys
from agent_trace import LangFuseTracker, ObservabilityContext, observe_llm
@observe_llm
def f(x): return x
@observe_llm
async def g(x): return x
@observe_llm
def h(): yield 1
{code}
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"AGENT_TRACE_DIR": str(tmp_path / "store"), "AGENT_TRACE_QUIET": "1"},
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert (tmp_path / "store").exists() == bool(code)


def test_importing_the_package_loads_none_of_its_parts() -> None:
    program = "import agent_trace, sys; print(sorted(n for n in sys.modules if n.startswith('agent_trace')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "['agent_trace']\n"


def test_every_public_name_is_there_and_says_what_it_does() -> None:
    assert sorted(agent_trace.__all__) == list(agent_trace.__all__)
    for name in agent_trace.__all__:
        value = getattr(agent_trace, name)
        assert isinstance(value, str) or inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="no attribute 'observe'"):
        _ = agent_trace.observe


def test_a_broad_except_stands_in_one_place_only() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)}
                    if node.type
                    else {"all"}
                )
                reraises = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                if names & {"all", "Exception", "BaseException"} and not reraises:
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    # calls.py catches what a caller throws into a generator, to throw it into the generator it drives.
    assert [each.partition(":")[0] for each in sorted(found)] == [
        "recording/calls.py",
        "recording/calls.py",
        "recording/guard.py",
    ]


def test_the_environment_is_read_in_one_place_only() -> None:
    found = {
        path.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert found == {"settings.py"}
