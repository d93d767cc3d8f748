"""Settings: one table, a fixed order of sources, and words for what cannot be used."""

from pathlib import Path

import pytest

from agent_trace import settings
from agent_trace.errors import SettingError
from agent_trace.settings import compiled_is_wanted, load
from agent_trace.settings_table import TABLE


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in TABLE:
        for variable in setting.variables:
            monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_the_order_is_argument_environment_dotenv_pyproject_setup_cfg_default(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def depth() -> tuple[int, str]:
        found = load(cwd=project)
        return found.max_depth, found.origin("max_depth")

    assert depth() == (32, "default")
    (project / "setup.cfg").write_text("[agent_trace]\nmax_depth = 1\n")
    assert depth() == (1, f"{project}/setup.cfg: max_depth")
    (project / "pyproject.toml").write_text("[tool.agent_trace]\nmax_depth = 2\n")
    assert depth() == (2, f"{project}/pyproject.toml: max_depth")
    (project / ".env").write_text("AGENT_TRACE_MAX_DEPTH=3\n")
    assert depth() == (3, f"{project}/.env: AGENT_TRACE_MAX_DEPTH")
    monkeypatch.setenv("AGENT_TRACE_MAX_DEPTH", "4")
    assert depth() == (4, "AGENT_TRACE_MAX_DEPTH")
    found = load({"max_depth": 5}, cwd=project)
    assert (found.max_depth, found.origin("max_depth")) == (5, "argument")


def test_dotenv_does_not_change_the_environment(project: Path) -> None:
    import os

    before = dict(os.environ)
    (project / ".env").write_text("LANGFUSE_SECRET_KEY=sk-lf-1\nOTHER=1\n")
    assert load(cwd=project).secret_key == "sk-lf-1"
    assert dict(os.environ) == before


def test_the_store_lies_at_the_projects_root(project: Path) -> None:
    inner = project / "src" / "desk"
    inner.mkdir(parents=True)
    assert load(cwd=inner).directory == project / ".agent_trace"


def test_a_relative_directory_is_the_projects(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_TRACE_DIR", "traces")
    assert load(cwd=project).directory == project / "traces"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("TRUE", True), ("on", True), ("0", False), ("False", False), ("no", False)],
)
def test_flags_are_read_as_people_write_them(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("ENABLE_LANGFUSE", text)
    assert load(cwd=project).enabled is value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1024", 1024), ("2 KiB", 2048), ("1MiB", 1 << 20), ("0.5GiB", 1 << 29), ("3kb", 3000)],
)
def test_sizes_may_have_units(project: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: int) -> None:
    monkeypatch.setenv("AGENT_TRACE_SEGMENT_BYTES", text)
    assert load(cwd=project).segment_bytes == value


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1 PiB", "nan", "1e99", "inf"])
def test_an_unusable_value_is_named_and_the_default_is_used(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AGENT_TRACE_SEGMENT_BYTES", text)
    found = load(cwd=project)
    assert found.segment_bytes == 8 << 20
    (problem,) = found.problems
    assert "AGENT_TRACE_SEGMENT_BYTES" in problem and repr(text) in problem


def test_an_unusable_value_leaves_the_next_source_in_force(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text("[tool.agent_trace]\nmax_depth = 7\n")
    monkeypatch.setenv("AGENT_TRACE_MAX_DEPTH", "deep")
    assert load(cwd=project).max_depth == 7


def test_an_unusable_secret_is_not_repeated(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-very-secret")
    found = load(cwd=project)
    assert found.secret_key == "sk-lf-very-secret"
    assert "very-secret" not in repr(found)


def test_an_unknown_variable_is_named_with_the_nearest(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_TRACE_MAX_DEPHT", "3")
    (problem,) = load(cwd=project).problems
    assert "'AGENT_TRACE_MAX_DEPHT'" in problem and "'AGENT_TRACE_MAX_DEPTH'" in problem


def test_the_variable_that_chooses_python_is_no_unknown_setting(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_TRACE_COMPILED", "0")
    assert load(cwd=project).problems == ()
    assert not compiled_is_wanted()


def test_an_unknown_key_in_a_file_is_named_with_the_nearest(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.agent_trace]\nmax_dept = 7\n")
    (problem,) = load(cwd=project).problems
    assert "pyproject.toml" in problem and "'max_depth'" in problem


def test_an_unknown_argument_raises_with_the_nearest() -> None:
    with pytest.raises(SettingError, match=r"'directry'.*'directory'"):
        load({"directry": "x"})


def test_an_unusable_argument_raises() -> None:
    with pytest.raises(SettingError, match="max_depth"):
        load({"max_depth": "deep"})


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.cfg"])
def test_a_broken_file_is_a_problem_and_no_exception(project: Path, name: str) -> None:
    (project / name).write_text("[tool.agent_trace\n= = =")
    found = load(cwd=project)
    assert found.enabled
    assert any(name in problem for problem in found.problems)


def test_redaction_rules_come_as_a_table(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.agent_trace.redact_rules]\naccount = "ACC-[0-9]+"\n')
    assert load(cwd=project).redact_rules == {"account": "ACC-[0-9]+"}


def test_the_older_name_of_the_host_is_understood(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_HOST", "http://old")
    assert load(cwd=project).base_url == "http://old"
    monkeypatch.setenv("LANGFUSE_BASE_URL", "http://new")
    assert load(cwd=project).base_url == "http://new"


def test_every_setting_is_in_the_table_once_and_an_attribute() -> None:
    names = [setting.name for setting in TABLE]
    assert len(names) == len(set(names))
    loaded = load()
    assert all(hasattr(loaded, name) for name in names)
    assert set(settings.Settings.__slots__) == {*names, "origins", "problems"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", "LANGFUSE_HOST=caf\u00e9".encode("latin-1")),
        ("pyproject.toml", b"tool = 5"),
        ("pyproject.toml", b'[tool]\nagent_trace = "x"'),
        ("pyproject.toml", b'[tool.agent_trace]\ndirectory = "a\\u0000b"'),
        ("pyproject.toml", b'[tool.agent_trace]\ndirectory = "~nosuch/x"'),
        ("setup.cfg", "[agent_trace]\nrelease = caf\u00e9".encode("latin-1")),
    ],
)
def test_no_file_however_odd_keeps_a_program_from_starting(project: Path, name: str, content: bytes) -> None:
    (project / name).write_bytes(content)
    found = load(cwd=project)
    assert found.directory == project / ".agent_trace"
    assert bool(found.problems) == (content != b"tool = 5")
