"""What `LangFuseTracker().status()` says of what is attached."""

import importlib
from pathlib import Path

import pytest

from agent_trace import LangFuseTracker, instrument, uninstrument
from agent_trace.instrumentation import problems
from agent_trace.recording import guard
from agent_trace.testing import recorded
from tests.support.attaching import write_modules


def test_the_status_tells_what_is_attached_and_what_could_not_be() -> None:
    handle = instrument("json:dumpz", "no_such_module_here:Thing.do")
    try:
        status = LangFuseTracker().status()
        states = {each["entry_point"]: each["state"] for each in status["attached"]}
        assert states["json:dumpz"] == "missing"
        assert any("json:dumpz" in problem for problem in status["attaching_problems"])
        assert states["no_such_module_here:Thing.do"] == "waiting"
    finally:
        uninstrument(handle)
    assert "no_such_module_here:Thing.do" not in {
        each["entry_point"] for each in LangFuseTracker().status()["attached"]
    }


def test_a_doubt_about_a_module_is_withdrawn_when_it_is_imported_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = instrument("found_late_after_all:ask")
    try:
        assert any("found_late_after_all" in problem for problem in problems())
        write_modules(tmp_path, monkeypatch, {"found_late_after_all.py": "def ask(): pass"})
        importlib.import_module("found_late_after_all")
        assert [each.state for each in handle.attached] == ["attached"]
        assert not any("found_late_after_all" in problem for problem in problems())
    finally:
        uninstrument(handle)


def test_the_status_tells_failures_of_ours_in_words_without_secrets() -> None:
    with recorded():
        guard.attempt("a test of the guard", int, "Bearer abcdefghijklmnopqrstuvwxyz0123456789")
        words = LangFuseTracker().status()["last_failures"]["a test of the guard"]
    assert words.startswith("ValueError: invalid literal for int()")
    assert "abcdefghijklmnopqrstuvwxyz" not in words
