"""The wheel and the source distribution, each installed into an environment of its own and used there."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILED = "agent_trace/recording/compiled"
SOURCES = [each for suffix in ("c", "pxi", "pyx") for each in (ROOT / COMPILED).glob(f"*.{suffix}")]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]

PROGRAM = """
from agent_trace import ObservabilityContext, observe_llm

@observe_llm
def ask(question: str) -> str:
    ObservabilityContext.add_trading_signal("BUY", 0.8, "cheap", symbol="ACME")
    return question.upper()

assert ask("is it cheap?") == "IS IT CHEAP?"
"""


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command far from the checkout; its standard output."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AGENT_TRACE"))
    }
    ran = subprocess.run(
        command, cwd=cwd, env={**kept, **variables}, capture_output=True, text=True, timeout=600
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the source distribution and the wheel that is made from it.

    It is made from a copy of what is packaged, so that the checkout stays clean.
    """
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    packaged = (
        "agent_trace",
        "examples",
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "MANIFEST.in",
    )
    run("cp", "-r", *(ROOT / name for name in packaged), source, cwd=ROOT)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source, cwd=source)
    return target


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """An environment with nothing in it, and the path of its Python."""
    venv.create(tmp_path / "clean", with_pip=False, symlinks=True)
    return tmp_path / "clean" / "bin" / "python"


def borrow_dependencies(python: Path) -> None:
    """Let an environment see what this one has installed, except for agent_trace itself.

    A line in a .pth file adds a folder without running the .pth files in it, so an editable install stays unseen.
    """
    own = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=python.parent
    ).strip()
    (Path(own) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")


def is_compiled(python: Path) -> bool:
    """Whether the package that an environment has installed runs its compiled modules."""
    program = (
        "from agent_trace.recording.compiled import compiled as c; print(*map(c, ('calling', 'hot_path')))"
    )
    found = run(python, "-c", program, cwd=python.parent)
    assert found.count("None") in (0, 2), found
    return found.count("<module") == 2


def smoke_test(python: Path, folder: Path) -> None:
    """Record in a fresh folder and read it back through the command."""
    command = python.with_name("agent-trace")
    store = {"AGENT_TRACE_DIR": str(folder / "store"), "NO_COLOR": "1"}
    (folder / "program.py").write_text(PROGRAM)
    where = run(python, "-c", "import agent_trace; print(agent_trace.__file__)", cwd=folder).strip()
    assert Path(where).is_relative_to(python.parents[1])
    assert Path(where).with_name("py.typed").exists()
    assert run(python, "program.py", cwd=folder, **store) == ""
    assert "ask" in run(command, "list", cwd=folder, **store)
    assert '"BUY"' in run(command, "export", "--format", "jsonl", cwd=folder, **store)
    assert "0.1.0" in run(command, "--version", cwd=folder)
    shown = run(command, "demo", cwd=folder, **store)
    assert "4 orders on paper" in shown and "questions asked" in shown and "SwarmAgent.run" in shown


def test_the_wheel_installs_with_its_dependencies_into_a_clean_environment_and_works_compiled(
    built: Path, clean: Path, tmp_path: Path
) -> None:
    (wheel,) = built.glob("*.whl")
    run(*PIP, "--python", clean, "install", f"agent-trace[openai] @ {wheel.as_uri()}", cwd=tmp_path)
    assert is_compiled(clean)
    smoke_test(clean, tmp_path)


def test_the_source_distribution_installs_where_there_is_no_compiler_and_works_in_python(
    built: Path, clean: Path, tmp_path: Path
) -> None:
    (sdist,) = built.glob("*.tar.gz")
    borrow_dependencies(clean)
    install = [*PIP, "--python", clean, "install", "--no-deps", "--no-build-isolation", sdist]
    assert run(*install, cwd=tmp_path, CC=str(tmp_path / "no-compiler")) == ""
    assert not is_compiled(clean)
    smoke_test(clean, tmp_path)


def test_the_wheel_carries_the_demo_and_neither_tests_nor_the_folder_it_came_from(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "agent_trace/examples/trading_desk/prices.csv" in names
    assert "agent_trace/examples/untouched_desk/src/models/groq_model.py" in names
    assert "agent_trace/examples/untouched_desk/README.md" in names
    assert "agent_trace/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"agent_trace", "agent_trace-0.1.0.dist-info"}


def test_the_wheel_carries_what_was_compiled_and_not_what_it_was_compiled_from(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"{COMPILED}/")}
    assert names == {
        f"{COMPILED}/__init__.py",
        *(
            f"{COMPILED}/{module}{sysconfig.get_config_var('EXT_SUFFIX')}"
            for module in ("calling", "hot_path")
        ),
    }


def test_the_source_distribution_carries_licence_and_changelog(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "CHANGELOG.md", "README.md", "setup.cfg", "examples/trading_desk/prices.csv"} <= names


def test_the_source_distribution_carries_what_is_compiled_and_no_c_made_from_it(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"{COMPILED}/{source.name}" for source in SOURCES} <= names
    assert [name for name in names if name.endswith((".c", ".so"))] == [f"{COMPILED}/calling.c"]
