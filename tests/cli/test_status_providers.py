"""`agent-trace status` says what would be attached, and what is missing for more."""

import json
from pathlib import Path

import pytest

from agent_trace.instrumentation import instrumentors
from tests.support.cli import run_cli


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.agent_trace]\ninstrument = ["desk:Model.ask"]\n')
    monkeypatch.chdir(tmp_path)


def test_entry_points_of_the_settings_and_installed_instrumentors_are_listed() -> None:
    shown = run_cli("status").stdout
    assert "instrument  desk:Model.ask" in shown
    assert f"openai {instrumentors.installed()['openai'].version}" in shown


def test_as_json_each_has_its_state() -> None:
    found = json.loads(run_cli("status", "--json").stdout)
    assert found["entry_points"] == ["desk:Model.ask"]
    openai = next(each for each in found["providers"] if each["name"] == "openai")
    assert (openai["state"], openai["module"]) == ("installed", "openai")


def test_a_client_without_its_instrumentor_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instrumentors, "entry_points", lambda group: [])
    shown = run_cli("status").stdout
    assert "not attached: " in shown and "openai" in shown
    assert "pip install openinference-instrumentation-a" in shown
