"""A trace as the last value of a notebook's cell."""

import subprocess
import sys
from pathlib import Path

from agent_trace.store.notebook import MOST_LINES
from tests.support.hostile_calls import EVERYTHING, STEERING
from tests.support.segments import START_NS, record
from tests.support.stores import generation, store_of

MS = 1_000_000
TRACE = "1".rjust(32, "0")


def test_a_trace_shows_its_tree_with_tokens_cost_and_failures(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        record(id="1", name="desk", type="agent", end_ns=START_NS + 9 * MS),
        generation(id="2", parent_id="1", name="ask"),
        record(
            id="3", parent_id="1", level="ERROR", error={"type": "E", "message": "no power"}, name="place_it"
        ),
    )
    shown = store.trace(TRACE)._repr_html_()
    assert shown.index("desk") < shown.index("ask") < shown.index("place_it")
    assert "gpt-4o" in shown and "1.1 k" in shown and "$0.0035" in shown and "no power" in shown
    assert shown.count("<rect") == 3


def test_nothing_recorded_becomes_markup_in_a_notebook(tmp_path: Path) -> None:
    text = (STEERING + EVERYTHING).encode("utf-8", "backslashreplace").decode()
    fields = {"name": text, "model": text, "type": text, "signal": {"action": text}, "status_message": text}
    shown = store_of(tmp_path, record(id="1", **fields)).trace(TRACE)._repr_html_()
    assert "<script" not in shown and "<img" not in shown and "<a " not in shown and 'onload="' not in shown
    assert "\u202e" not in shown and "\x1b" not in shown and "\\u202e" in shown


def test_a_long_trace_is_cut_and_says_so(tmp_path: Path) -> None:
    records = (
        record(id=f"{number:x}", parent_id="1" if number > 1 else None)
        for number in range(1, MOST_LINES + 12)
    )
    shown = store_of(tmp_path, *records).trace(TRACE)._repr_html_()
    assert shown.count("<tr>") == MOST_LINES + 1
    assert "11 more observations are not shown" in shown


def test_an_interrupted_observation_says_so(tmp_path: Path) -> None:
    assert "interrupted" in store_of(tmp_path, record("opened", id="1")).trace(TRACE)._repr_html_()


def test_a_store_is_read_without_what_renders_it() -> None:
    program = "import agent_trace.store, sys; print([n for n in ('agent_trace.reporting', 'jinja2', 'starlette') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"
