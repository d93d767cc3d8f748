"""What goes wrong is one line on stderr and an exit code, never a traceback."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import desk_store, run_cli
from tests.support.segments import HEADER_BYTES, record, write_segment


def refused(*arguments: str, exit_code: int = 1) -> str:
    result = run_cli(*arguments)
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("agent-trace: ") and result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("shwo", "x"), "the nearest is show"),
        (("frobnicate",), "there are demo, run, discover, list"),
        (("list", "--agnet", "x"), "--agent"),
        (("list", "--since", "soon"), "say 2h"),
        (("list", "--min-cost", "much"), "say 0.05"),
        (("list", "--min-cost", "-5"), "say 0.05"),
        (("search", ""), "say some"),
        (("list", "--limit", "0"), "--limit"),
        (("list", "--type", "generatoin"), "generation"),
        (("show",), "TRACE"),
        (("export", "--format", "xml"), "parquet"),
        (("prune", "--max-size", "huge"), "say 500MiB"),
    ],
)
def test_wrong_usage_names_what_would_do_and_ends_with_2(arguments, hint):
    message = refused(*arguments, exit_code=2)
    assert hint in message
    assert "--help`" in message


@pytest.mark.parametrize(
    "command",
    [("list",), ("show", "last"), ("search", "x"), ("export",), ("prune", "--yes"), ("show", "abc")],
)
def test_a_store_that_is_not_there_says_how_to_get_one(tmp_path: Path, command):
    message = refused(*command, "--store", str(tmp_path / "none"))
    assert "observe_llm" in message or "agent-trace demo" in message


def test_an_unknown_id_is_named(tmp_path: Path):
    assert "'abc'" in refused("show", "abc", "--store", str(desk_store(tmp_path)))


def test_a_word_is_no_id(tmp_path: Path):
    assert "'nonsense'" in refused("show", "nonsense", "--store", str(desk_store(tmp_path)))


def test_a_prefix_of_two_traces_lists_both(tmp_path: Path):
    write_segment(tmp_path, [record(trace_id="abc1" + "0" * 28), record(trace_id="abc2" + "0" * 28, id="2")])
    message = refused("show", "abc", "--store", str(tmp_path))
    assert "abc1" in message and "abc2" in message


def test_a_store_of_a_newer_version_says_to_upgrade(tmp_path: Path):
    path = write_segment(tmp_path, [record()])
    content = path.read_bytes()
    path.write_bytes(content[:HEADER_BYTES].replace(b'"v": 1', b'"v": 9') + content[HEADER_BYTES:])
    assert "pgrade" in refused("list", "--store", str(tmp_path))


def test_a_damaged_index_is_rebuilt_and_said_so(tmp_path: Path):
    store = desk_store(tmp_path)
    before = run_cli("list", "--store", str(store)).stdout
    for path in store.glob("index.sqlite*"):
        path.write_bytes(b"this is no database" * 1000)
    result = run_cli("list", "--store", str(store))
    assert result.exit_code == 0
    assert result.stdout == before
    assert "rebuilt" in result.stderr


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that any user may look into: those of pytest are root's alone when root runs it."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


@contextmanager
def not_as_root() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("command", [("list",), ("show", "last"), ("search", "x"), ("export",)])
def test_a_directory_that_may_not_be_read_is_named(open_directory: Path, command):
    store = desk_store(open_directory)
    run_cli(*command, "--store", str(store))  # loads what it needs, while it may
    (store / "segments").chmod(0)
    with not_as_root():
        assert f"{store}/segments: Permission denied" in refused(*command, "--store", str(store))


def test_status_says_what_it_can_of_a_store_that_may_not_be_read(open_directory: Path):
    store = desk_store(open_directory)
    run_cli("status", "--store", str(store))
    (store / "segments").chmod(0)
    with not_as_root():
        result = run_cli("status", "--store", str(store))
    assert result.exit_code == 0
    assert "Permission denied" in result.stdout and "recording   on" in result.stdout


def test_a_file_in_place_of_the_store_is_named(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("")
    assert str(path) in refused("list", "--store", str(path))
