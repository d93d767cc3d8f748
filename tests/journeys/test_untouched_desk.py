"""The untouched desk, by itself and attached to: the same to the last byte, and every question an observation."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent_trace.discovery import discover
from tests.support.cli import ROOT, clean_environment, run_process

DESK = ROOT / "examples" / "untouched_desk"
SCRIPT = str(DESK / "main.py")


@pytest.fixture(scope="module")
def entry_points() -> list[str]:
    return discover(DESK).instrument


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """The desk as plain Python, in a process in which agent_trace cannot be imported."""
    folder = tmp_path_factory.mktemp("plain")
    blocker = "import sys; sys.modules['agent_trace'] = None; import runpy; sys.argv = sys.argv[1:]; "
    blocker += "sys.path[0] = __import__('os').path.dirname(sys.argv[0]); runpy.run_path(sys.argv[0], run_name='__main__')"
    environment = {name: value for name, value in clean_environment().items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", blocker, SCRIPT]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attached")


@pytest.fixture(scope="module")
def attached(project: Path, entry_points: list[str]) -> "subprocess.CompletedProcess[str]":
    (project / "setup.cfg").write_text("[agent_trace]\nquiet = yes\n")
    options = [part for each in entry_points for part in ("--instrument", each)]
    return run_process("run", *options, SCRIPT, cwd=project)


@pytest.fixture(scope="module")
def records(project: Path, attached: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    lines = run_process("export", cwd=project).stdout.splitlines()
    return [json.loads(line) for line in lines]


def of_type(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == kind]


def test_it_runs_where_there_is_no_agent_trace(plain: "subprocess.CompletedProcess[str]") -> None:
    assert (plain.returncode, plain.stderr) == (0, "")
    assert "8 models, 5 stocks" in plain.stdout and "47 questions asked" in plain.stdout


def test_no_line_of_it_knows_of_tracing() -> None:
    for path in DESK.rglob("*.py"):
        assert not re.search(
            r"agent_trace|observe_llm|langfuse|opentelemetry", path.read_text(encoding="utf-8")
        ), path


def test_attached_to_it_prints_the_same_to_the_last_byte(
    plain: "subprocess.CompletedProcess[str]", attached: "subprocess.CompletedProcess[str]"
) -> None:
    assert (attached.returncode, attached.stdout, attached.stderr) == (0, plain.stdout, "")


def test_every_question_is_one_generation_of_its_provider(
    attached: "subprocess.CompletedProcess[str]", records: list[dict[str, Any]]
) -> None:
    asked = dict(re.findall(r"(\w+) (\d+)(?:,|$)", attached.stdout.splitlines()[-1].partition(": ")[2]))
    names = Counter(record["name"].partition(".")[0] for record in of_type(records, "generation"))
    digest = names.pop("ask_for_digest")
    got = {name.removesuffix("Model").lower(): number for name, number in names.items()}
    got["openai"] += digest
    assert got == {provider: int(number) for provider, number in asked.items()}


def test_every_run_of_an_agent_is_one_observation_and_what_it_asks_is_below_it(
    records: list[dict[str, Any]],
) -> None:
    agents = {record["id"]: record for record in of_type(records, "agent")}
    names = Counter((record["name"], record["agent_type"]) for record in agents.values())
    assert names == {
        ("TrendAgent.run", "trend"): 5,
        ("RiskAgent.run", "risk"): 5,
        ("SwarmAgent.run", "swarm"): 5,
        ("HousecoinAgent.run", "housecoin"): 5,
    }
    asked = Counter(
        agents[record["parent_id"]]["agent_type"]
        for record in of_type(records, "generation")
        if record["parent_id"] in agents
    )
    assert asked == {"trend": 5, "risk": 5, "housecoin": 5, "swarm": 31}


def test_all_of_it_is_one_trace_below_the_script(records: list[dict[str, Any]]) -> None:
    assert len({record["trace_id"] for record in records}) == 1
    (root,) = [record for record in records if record["parent_id"] is None]
    assert (root["name"], len(records)) == ("main.py", 1 + 20 + 47)


def test_errors_are_recorded_as_what_they_are(records: list[dict[str, Any]]) -> None:
    generations = of_type(records, "generation")
    (busy,) = [record for record in generations if record["error"] and "503" in record["error"]["message"]]
    assert busy["name"] == "GroqModel.generate_response"
    (declined,) = [
        record for record in generations if "blocked: SAFETY" in json.dumps(record["status_message"])
    ]
    assert declined["name"] == "GeminiModel.generate_response"
    nothing = [
        record for record in generations if record["name"].startswith("Ollama") and record["output"] is None
    ]
    assert len(nothing) == 1


def test_a_plain_function_that_returns_a_generator_is_one_observation_a_call(
    records: list[dict[str, Any]],
) -> None:
    streamed = [record for record in records if record["name"] == "DeepSeekModel.generate_stream"]
    assert len(streamed) == 5
    assert {record["input"]["user_content"][:8] for record in streamed} == {"Look at "}


def test_models_that_say_their_tokens_have_them(records: list[dict[str, Any]]) -> None:
    priced = [record for record in of_type(records, "generation") if record["usage"]]
    assert {record["model"] for record in priced} >= {"gpt-4o-mini", "claude-3-5-haiku-latest", "grok-3-mini"}
    assert all(record["usage"]["input"] > 600 and record["usage"]["output"] > 0 for record in priced)


def test_the_settings_that_discover_prints_do_the_same_as_the_options(
    tmp_path: Path, plain: "subprocess.CompletedProcess[str]"
) -> None:
    shown = run_process("discover", str(DESK), cwd=tmp_path).stdout
    settings = shown[shown.index("[tool.agent_trace]") :].partition("\n\n")[0]
    (tmp_path / "pyproject.toml").write_text(f"{settings}\nquiet = true\n")
    ran = run_process("run", SCRIPT, cwd=tmp_path)
    assert (ran.stdout, ran.stderr) == (plain.stdout, "")
    assert len(run_process("export", "--type", "generation", cwd=tmp_path).stdout.splitlines()) == 47


def test_without_the_package_of_a_provider_the_others_go_on(tmp_path: Path) -> None:
    for folder in ("trading_desk", "untouched_desk"):
        shutil.copytree(ROOT / "examples" / folder, tmp_path / folder)
    desk = tmp_path / "untouched_desk"
    (desk / "src" / "models" / "claude_model.py").write_text("raise ImportError('not installed')\n")
    ran = subprocess.run(
        [sys.executable, str(desk / "main.py")],
        env=clean_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "no claude: not installed" in ran.stdout and "42 questions asked" in ran.stdout
