"""What a fresh clone promises: two commands, one packaging file, one script for continuous integration."""

import ast
import configparser
import os
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

from agent_trace.recording import hot
from agent_trace.settings_table import TABLE

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / "agent_trace" / "recording" / "compiled"
SOURCES_BY_MODULE = {
    "calling": [COMPILED / "calling.c"],
    "hot_path": [*COMPILED.glob("*.pyx"), *COMPILED.glob("*.pxi")],
}
SOURCES = [source for sources in SOURCES_BY_MODULE.values() for source in sources]


def packaging() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed(section: str, option: str) -> list[str]:
    return packaging()[section][option].split("\n")[1:]


def test_the_first_two_commands_of_the_readme_are_demo_and_test() -> None:
    commands = re.findall(
        r"^(?:\$ |    )?(make \w+|pip \S+|python\S* \S+)", (ROOT / "README.md").read_text(), re.M
    )
    assert commands[:2] == ["make demo", "make test"]


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_make_test_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("exec make test")


def test_ci_installs_the_browser_where_there_is_none() -> None:
    assert "chromium chromium-driver" in (ROOT / ".ci" / "run").read_text()


def test_ci_installs_compiler_and_headers_where_there_are_none() -> None:
    assert "gcc python3-dev" in (ROOT / ".ci" / "run").read_text()


def test_pictures_of_the_page_and_what_was_compiled_stay_out_of_the_history() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"screenshots/", "build/", "*.so", "agent_trace/recording/compiled/hot_path.c"} <= set(ignored)


@pytest.mark.parametrize("stamp", ["installed-demo", "installed-dev"])
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_changed_source_is_compiled_anew(source: Path, stamp: str) -> None:
    changed = ["--what-if", str(source.relative_to(ROOT))]
    command = ["make", "--dry-run", "PYTHON=python3", *changed, f".venv/{stamp}"]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "install --editable" in planned.stdout


def test_the_checkout_runs_what_was_compiled_from_its_sources() -> None:
    wanted = os.environ.get("AGENT_TRACE_COMPILED") != "0"
    remedy = (
        "`.venv/bin/pip install --editable .` compiles it. That takes a C compiler and Python's headers, on Debian: "
        "`apt-get install gcc python3-dev`. AGENT_TRACE_COMPILED=0 tests without."
    )
    assert hot.IS_COMPILED is wanted, remedy
    for name, sources in SOURCES_BY_MODULE.items() if wanted else ():
        module = COMPILED / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
        newer = [source.name for source in sources if mtime_s(source) > mtime_s(module)]
        assert newer == [], remedy


def mtime_s(path: Path) -> float:
    return path.stat().st_mtime


def test_make_test_checks_format_lint_types_and_tests() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for step in ("ruff format --check", "ruff check", "mypy", "pytest"):
        assert step in planned.stdout


def test_setup_cfg_is_the_packaging_file_and_pyproject_holds_tools_only() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(pyproject) == {"build-system", "tool"}
    assert packaging()["metadata"]["name"] == "agent-trace"


def test_setup_py_says_what_is_compiled_and_nothing_else() -> None:
    calls = [
        node for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())) if isinstance(node, ast.Call)
    ]
    (setup,) = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "setup"]
    assert [keyword.arg for keyword in setup.keywords] == ["ext_modules"]


def test_every_package_folder_is_listed_for_installation() -> None:
    folders = {path.parent for path in (ROOT / "agent_trace").rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    examples = {path.parent for path in (ROOT / "examples").rglob("*.py")}
    names |= {".".join(("agent_trace", *folder.relative_to(ROOT).parts)) for folder in examples}
    assert set(listed("options", "packages")) == names


def test_every_extra_that_is_promised_exists() -> None:
    promised = {"openai", "anthropic", "litellm", "prometheus", "fastapi", "ui", "all", "dev"}
    assert promised <= set(packaging()["options.extras_require"])


def test_env_example_names_every_variable_and_sets_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {found[1] for line in lines if (found := re.match(r"# ([A-Z_]+)=", line))}
    assert named >= {variable for setting in TABLE for variable in setting.variables}
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_env_example_holds_no_secret() -> None:
    text = (ROOT / ".env.example").read_text()
    assert re.findall(r"^# \w*(?:KEY|TOKEN|PASSWORD)\w*=(.+)$", text, re.M) == []


def test_the_changelog_knows_the_version_that_is_packaged() -> None:
    assert f"## {packaging()['metadata']['version']}" in (ROOT / "CHANGELOG.md").read_text()
