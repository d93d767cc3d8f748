"""Whoever waits longer than a second in front of a terminal sees how far it is."""

import io
import sys

import pytest

from agent_trace.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch, stream: io.StringIO, *moments: float) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Reading the journal", clock=iter((0.0, *moments)).__next__) as advance:
        for done, _ in enumerate(moments):
            advance(done, 10)
    return stream.getvalue()


def test_nothing_is_shown_of_what_is_over_in_a_second(monkeypatch):
    assert shown(monkeypatch, Terminal(), 0.5, 0.99) == ""


def test_a_bar_is_shown_after_a_second_and_removed_at_the_end(monkeypatch):
    text = shown(monkeypatch, Terminal(), 0.5, 1.5)
    assert "Reading the journal" in text
    assert text.endswith("\x1b[2K")


def test_a_pipe_gets_no_bar(monkeypatch):
    assert shown(monkeypatch, io.StringIO(), 0.5, 1.5, 3.0) == ""


def test_the_bar_goes_when_the_work_fails(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(ZeroDivisionError), progress("Work", clock=iter((0.0, 9.0)).__next__) as advance:
        advance(1, None)
        raise ZeroDivisionError
    assert stream.getvalue().endswith("\x1b[2K")
