"""`run --instrument` and `--providers`: code without a decorator is recorded, and behaves as before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import clean_environment, run_process
from tests.support.codebases import write_files

FILES = {
    "setup.cfg": "[agent_trace]\nquiet = yes\ninstrument =\n    models:BaseModel.generate\n",
    "models.py": """
        class BaseModel:
            def generate(self, prompt): raise NotImplementedError
        class Upper(BaseModel):
            def generate(self, prompt): return prompt.upper()
        def ask(prompt): return Upper().generate(prompt)
    """,
    "desk.py": "from models import ask\nprint(ask('buy'), ask('sell'))\n",
    "package/__init__.py": "from models import ask\n",
    "package/__main__.py": "from package import ask\nprint(ask('hold'))\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path, FILES)


def names(project: Path) -> list[str]:
    lines = run_process("export", cwd=project).stdout.splitlines()
    return [record["name"] for record in map(json.loads, lines) if record["parent_id"]]


def test_the_settings_entry_points_are_attached(project: Path) -> None:
    ran = run_process("run", "desk.py", cwd=project)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("BUY SELL\n", "", 0)
    assert names(project) == ["Upper.generate"] * 2


def test_typed_entry_points_are_attached_next_to_them_and_each_once(project: Path) -> None:
    entries = (
        "--instrument",
        "models:ask",
        "--instrument",
        "models:BaseModel.generate",
        "--instrument",
        "models:ask",
    )
    run_process("run", *entries, "desk.py", cwd=project)
    assert sorted(names(project)) == ["Upper.generate", "Upper.generate", "ask", "ask"]


def test_a_package_that_is_run_as_a_module_is_attached_to_before_it_is_imported(project: Path) -> None:
    ran = run_process("run", "--instrument", "models:ask", "-m", "package", cwd=project)
    assert ran.stdout == "HOLD\n"
    assert sorted(names(project)) == ["Upper.generate", "ask"]


def test_another_store_gets_what_is_attached_too(project: Path, tmp_path: Path) -> None:
    run_process("run", "--store", str(tmp_path / "other"), "desk.py", cwd=project)
    assert "Upper.generate" in run_process("export", "--store", str(tmp_path / "other"), cwd=project).stdout
    assert not (project / ".agent_trace").exists()


def test_a_misspelt_entry_point_is_said_on_stderr_and_the_program_runs(project: Path) -> None:
    (project / "setup.cfg").write_text("[agent_trace]\n")
    ran = run_process("run", "--instrument", "models:BaseModle.generate", "desk.py", cwd=project)
    assert (ran.stdout, ran.returncode) == ("BUY SELL\n", 0)
    assert "BaseModel" in ran.stderr and "Traceback" not in ran.stderr


def test_attached_and_switched_off_the_program_runs_the_same(project: Path) -> None:
    ran = run_process("run", "desk.py", cwd=project, env=clean_environment(ENABLE_LANGFUSE="false"))
    assert (ran.stdout, ran.stderr, ran.returncode) == ("BUY SELL\n", "", 0)
    assert not (project / ".agent_trace" / "segments").exists()


ASKING = """
import openai
from examples.trading_desk.server import LocalModelServer

with LocalModelServer() as server:
    client = openai.OpenAI(api_key="local", base_url=server.base_url, max_retries=0)
    print(client.models is not None)
    try:
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "AAPL?"}])
    except openai.OpenAIError as error:
        print(type(error).__name__)
"""


def test_providers_are_attached_for_a_program_that_knows_nothing_of_it(project: Path) -> None:
    (project / "asking.py").write_text(ASKING)
    environment = clean_environment(PYTHONPATH=str(Path(__file__).parents[2]))
    plain = subprocess.run(
        [sys.executable, "asking.py"], cwd=project, env=environment, capture_output=True, text=True
    )
    ran = run_process("run", "--providers", "asking.py", cwd=project, env=environment)
    assert (ran.stdout, ran.returncode) == (plain.stdout, 0), ran.stderr
    assert len(names(project)) == 1
