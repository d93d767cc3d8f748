"""Which observations the duration of a trace is made of."""

from typing import NamedTuple

from agent_trace.viewer.critical_path import critical_path


class Timed(NamedTuple):
    id: str
    depth: int
    start_ns: int
    end_ns: int | None


def path(*entries: tuple[str, int, int, int | None], last_ns: int = 100) -> str:
    return " ".join(sorted(critical_path([Timed(*entry) for entry in entries], last_ns)))


def test_steps_after_one_another_are_all_on_it() -> None:
    assert path(("root", 0, 0, 100), ("a", 1, 10, 40), ("b", 1, 45, 90)) == "a b root"


def test_of_steps_at_the_same_time_the_one_that_ended_last_is_on_it() -> None:
    assert path(("root", 0, 0, 100), ("fast", 1, 10, 40), ("slow", 1, 10, 90)) == "root slow"


def test_before_the_last_step_began_the_one_that_had_ended_last_by_then_was_waited_for() -> None:
    steps = (("long", 1, 0, 60), ("other", 1, 0, 45), ("last", 1, 50, 90))
    assert path(("root", 0, 0, 100), *steps) == "last other root"


def test_inside_a_step_beside_it_nothing_is_on_it() -> None:
    entries = (("fast", 1, 10, 40), ("in fast", 2, 11, 39), ("slow", 1, 10, 90), ("in slow", 2, 50, 90))
    assert path(("root", 0, 0, 100), *entries) == "in slow root slow"


def test_what_ended_after_its_parent_was_not_waited_for() -> None:
    assert path(("root", 0, 0, 50), ("detached", 1, 10, 100), ("step", 1, 10, 40)) == "root step"


def test_what_is_still_running_ends_now() -> None:
    assert path(("root", 0, 0, None), ("done", 1, 0, 20), ("running", 1, 30, None)) == "done root running"


def test_roots_are_steps_of_the_whole_trace() -> None:
    assert path(("first", 0, 0, 40), ("beside", 0, 5, 30), ("last", 0, 50, 100)) == "first last"


def test_a_trace_deeper_than_python_recurses_has_one() -> None:
    entries = [Timed(str(depth), depth, depth, 20_000 - depth) for depth in range(5_000)]
    assert len(critical_path(entries, 20_000)) == 5_000
