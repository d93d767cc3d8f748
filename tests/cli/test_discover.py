"""`discover`: what is printed at 80 columns and in a pipe, what is said when there is nothing, and as JSON."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.support.cli import ROOT, run_cli, run_in_terminal, run_process
from tests.support.codebases import write_files

DESK = ROOT / "examples" / "untouched_desk"
LLM = "import openai\ndef ask_gpt(p): return openai.OpenAI().chat.completions.create(messages=[p])\n"
LONG = "a_package_with_a_long_name.and_a_module_with_a_longer_one"


@pytest.fixture
def long_names(tmp_path: Path) -> Path:
    source = LLM + "def trade(): openai.OpenAI().responses.create()\n"
    return write_files(tmp_path, {f"{LONG.replace('.', '/')}.py": source, "m.py": f"import {LONG}"})


def test_what_discover_proposes_for_the_untouched_desk_is_what_its_page_says() -> None:
    page = (DESK / "README.md").read_text(encoding="utf-8")
    settings = page.partition("```toml\n")[2].partition("```")[0]
    assert settings in run_cli("discover", str(DESK)).stdout
    found = json.loads(run_cli("discover", str(DESK), "--json").stdout)
    assert found["instrument"] == tomllib.loads(settings)["tool"]["agent_trace"]["instrument"]


def test_the_untouched_desk_has_eight_overrides_a_factory_and_no_call_that_bypasses() -> None:
    found = json.loads(run_cli("discover", str(DESK), "--json").stdout)
    model = found["models"][0]
    assert (model["overrides"], model["subclasses"]) == (8, 8)
    assert [each["entry"] for each in found["factories"]] == [
        "src.models.model_factory:ModelFactory.get_model"
    ]
    assert len(found["direct_calls"]) == 10 and found["providers"] == {}


@pytest.mark.parametrize("columns", [80, 60, 200])
def test_entry_points_are_never_cut_and_the_rest_fits(long_names: Path, columns: int) -> None:
    seen = run_in_terminal("discover", ".", cwd=long_names, columns=columns, NO_COLOR="1")
    assert f'    "{LONG}:ask_gpt",\n' in seen
    above = seen[: seen.index("To paste")].splitlines()
    assert max(map(len, above)) <= columns
    assert f"{LONG}:ask_gpt" in "".join(line.strip() for line in above)


def test_a_project_with_setup_cfg_gets_its_settings_in_that_form(long_names: Path) -> None:
    (long_names / "setup.cfg").write_text("")
    shown = run_process("discover", cwd=long_names).stdout
    assert f"To paste into setup.cfg:\n\n[agent_trace]\ninstrument =\n    {LONG}:ask_gpt\n" in shown


def test_calls_that_bypass_are_shown_with_what_attaches_to_them(long_names: Path) -> None:
    shown = run_process("discover", cwd=long_names).stdout
    assert "1 inside the entry points above, 1 bypasses them" in shown
    assert f"{LONG.replace('.', '/')}.py:3  openai responses.create  trade" in shown
    assert "pip install openinference-instrumentation-openai" in shown
    assert "agent-trace run --providers" in shown


def test_what_was_left_out_and_what_could_not_be_read_is_said(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {"llm.py": LLM, "bad.py": "def model(:\n", "tests/x.py": "", ".git/y.py": "", "test_a.py": ""},
    )
    shown = run_cli("discover", str(tmp_path)).stdout
    assert "2 Python files; left out: 2 test files, 1 hidden folder" in shown
    assert "1 of them could not be read" in shown and "bad.py" in shown and "line 1" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "there is no nowhere"),
        (["empty"], "Name the folder that your code is in"),
        (["notes.md"], "no Python file"),
        (["-m", "no_such_module"], "no module 'no_such_module'"),
        (["-m", "sys"], "no module 'sys'"),
        (["empty", "-m", "json"], "not both"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("")
    result = run_process("discover", *arguments, cwd=tmp_path)
    assert result.returncode in (1, 2) and result.stdout == ""
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_code_that_asks_no_model_gets_a_way_to_go_on(tmp_path: Path) -> None:
    write_files(tmp_path, {"m.py": "x = 1"})
    shown = run_cli("discover", str(tmp_path))
    assert shown.exit_code == 0 and "--instrument package.module:Class.method" in shown.stdout


def test_a_module_is_found_here_first_and_is_not_imported(tmp_path: Path) -> None:
    write_files(tmp_path, {"desk/__init__.py": "raise SystemExit('imported')", "desk/llm.py": LLM})
    for module in ("desk", "desk.llm"):
        result = run_process("discover", "-m", module, "--json", cwd=tmp_path)
        assert json.loads(result.stdout)["instrument"] == ["desk.llm:ask_gpt"], result.stderr


def test_names_from_foreign_sources_do_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred.py").write_text(LLM)
    (tmp_path / "\u202ebad.py").write_text("def model(:")
    seen = run_in_terminal("discover", ".", cwd=tmp_path, columns=80, NO_COLOR="1")
    assert "\x1b[31m" not in seen and "\u202e" not in seen
