"""A process that starts with TRACEPARENT, or with OTEL_SDK_DISABLED: run for real."""

from pathlib import Path

import pytest

from agent_trace import Store
from agent_trace.observation import Observation
from tests.support.programs import run_program

TRACE, SPAN = f"{0xABC:032x}", f"{0xDEF:016x}"
BEGINNING = """
import asyncio, os, sys, threading
from agent_trace import ObservabilityContext, observe_llm

@observe_llm
def ask(x):
    return inner(x)

@observe_llm(as_type="tool")
def inner(x):
    return x
"""


def observations(directory: Path, program: str, **variables: str) -> list[Observation]:
    done = run_program(BEGINNING, program, directory, AGENT_TRACE_QUIET="1", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    with Store(directory / "store") as store:
        return sorted(store.observations(), key=lambda each: each.start_ns)


def test_roots_of_a_process_started_with_traceparent_are_children_of_its_starter(tmp_path: Path) -> None:
    program = """
        async def task():
            ask(2)

        ask(1)
        asyncio.run(task())
        thread = threading.Thread(target=ask, args=(3,))
        thread.start(); thread.join()
    """
    found = observations(tmp_path, program, TRACEPARENT=f"00-{TRACE}-{SPAN}-01")
    roots, below = found[0::2], found[1::2]
    assert len(roots) == len(below) == 3
    assert {each.trace_id for each in found} == {TRACE}
    assert {each.parent_id for each in roots} == {SPAN}
    assert [each.parent_id for each in below] == [each.id for each in roots]


def test_traceparent_gives_way_to_what_is_current(tmp_path: Path) -> None:
    program = f"""
        with ObservabilityContext.extract({{"traceparent": "00-{1:032x}-{2:016x}-01"}}):
            ask(1)
    """
    found = observations(tmp_path, program, TRACEPARENT=f"00-{TRACE}-{SPAN}-01")
    assert (found[0].trace_id, found[0].parent_id) == (f"{1:032x}", f"{2:016x}")


@pytest.mark.parametrize("value", ["", "nonsense", f"00-{'0' * 32}-{SPAN}-01", "x" * 5_000])
def test_an_unusable_traceparent_is_as_good_as_none(tmp_path: Path, value: str) -> None:
    found = observations(tmp_path, "ask(1)", TRACEPARENT=value)
    assert found[0].parent_id is None


def test_a_parent_and_its_child_process_are_one_trace(tmp_path: Path) -> None:
    program = """
        import subprocess

        @observe_llm(name="starts")
        def starts():
            code = "from agent_trace import observe_llm; observe_llm(name='child')(lambda: 1)()"
            subprocess.run([sys.executable, "-c", code], env=ObservabilityContext.environment(), check=True)

        starts()
    """
    starts, child = observations(tmp_path, program)
    assert (child.name, child.trace_id, child.parent_id) == ("child", starts.trace_id, starts.id)
    assert starts.process is not None and child.process is not None
    assert starts.process["pid"] != child.process["pid"]


def test_somebody_elses_otel_sdk_disabled_silences_nobody_here(tmp_path: Path) -> None:
    program = """
        from agent_trace.otel import TracerProvider

        with TracerProvider().get_tracer("lib").start_as_current_span("provided"):
            ask(1)
    """
    found = observations(tmp_path, program, OTEL_SDK_DISABLED="true", OTEL_TRACES_SAMPLER="always_off")
    assert [each.name.rpartition(".")[2] for each in found] == ["provided", "ask", "inner"]
    assert found[1].parent_id == found[0].id
