"""When a process tells how it is, and what of it: real programs, and the files they leave."""

from pathlib import Path

from agent_trace.recording.journal.health_file import Health, read_health
from tests.support.programs import run_program

BEGINNING = """
import os, sys
from agent_trace import observe_llm, instrument
from agent_trace.recording import health, guard
from agent_trace.recording.journal.health_file import HealthFile, read_health

written = []
write = HealthFile.write
def counted(file, told):
    written.append(told)
    write(file, told)
HealthFile.write = counted

def fail(work, words):
    with guard.guarded(work):
        raise ValueError(words)

class Model:
    def ask(self, prompt):
        return prompt
sys.modules["desk"] = sys.modules["__main__"]
Model.__module__ = "desk"
"""
SECRET = "sk-ant-api03-" + "q1W2e3R4t5Y6" * 8 + "AA"


def told_by(program: str, directory: Path, **variables: str) -> tuple[str, list[Health]]:
    """What a program has printed, and what it has left."""
    done = run_program(BEGINNING, program, directory, AGENT_TRACE_QUIET="1", **variables)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout, read_health(directory / "store")


def test_a_program_with_nothing_to_tell_has_no_file(tmp_path: Path) -> None:
    program = "observe_llm(len)('x'); print(len(written))"
    assert told_by(program, tmp_path) == ("0\n", [])
    assert not (tmp_path / "store" / "health").exists()


def test_what_is_attached_stands_there_before_the_first_call_and_goes_at_exit(tmp_path: Path) -> None:
    program = """
        instrument("desk:Model.ask")
        (told,) = read_health(__import__("pathlib").Path("store"))
        print(told.is_running, told.pid == os.getpid(), told.service, *told.attached[0])
        """
    assert told_by(program, tmp_path) == ("True True program.py desk:Model.ask attached 1\n", [])
    assert list((tmp_path / "store" / "health").iterdir()) == []


def test_undo_and_an_import_that_comes_later_are_told(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("def ask(): pass")
    program = """
        handle = instrument("late:ask")
        import late
        handle.undo()
        print([[(each.state, each.places) for each in told.attached] for told in written])
        """
    printed, _ = told_by(program, tmp_path)
    assert printed == "[[('waiting', 0)], [('attached', 1)]]\n"


def test_failures_are_told_in_words_counted_and_kept_when_the_process_is_killed(tmp_path: Path) -> None:
    program = """
        for _ in range(9):
            fail("reading a result", "nine lives")
        print(len(written), flush=True)
        os._exit(0)
        """
    printed, (told,) = told_by(program, tmp_path)
    assert printed == "4\n"
    (failure,) = told.failures
    assert (failure.work, failure.times, failure.is_ours) == ("reading a result", 8, False)
    assert failure.last.startswith("ValueError: nine lives (") and "in fail)" in failure.last


def test_at_exit_they_are_counted_to_the_last(tmp_path: Path) -> None:
    _, (told,) = told_by("for _ in range(9): fail('reading a result', 'x')", tmp_path)
    assert [each.times for each in told.failures] == [9]


def test_whose_mistake_it_is_is_told_apart(tmp_path: Path) -> None:
    program = """
        guard.attempt("ours", read_health, None)
        fail("theirs", "x")
        """
    _, (told,) = told_by(program, tmp_path)
    assert {each.work: each.is_ours for each in told.failures} == {"ours": True, "theirs": False}


def test_no_secret_gets_into_it(tmp_path: Path) -> None:
    program = f"""
        instrument("desk:{SECRET.replace("-", "_")}", "password=hunter2hunter2")
        fail("reading a result", "key {SECRET} refused")
        """
    _, (told,) = told_by(program, tmp_path)
    (text,) = [path.read_text() for path in (tmp_path / "store" / "health").iterdir()]
    assert SECRET not in text and "q1W2e3R4t5Y6" not in text.partition('"failures"')[2]
    assert "[redacted:" in told.failures[0].last
    assert "hunter2" not in text


def test_where_the_program_hides_things_itself_messages_are_left_out(tmp_path: Path) -> None:
    program = """
        from agent_trace import LangFuseTracker
        LangFuseTracker(redact=lambda field, value: value)
        fail("reading a result", "account 4711")
        """
    _, (told,) = told_by(program, tmp_path)
    assert told.failures[0].last.startswith("ValueError (")


def test_a_hostile_exception_is_told_all_the_same(tmp_path: Path) -> None:
    program = """
        class Hostile(Exception):
            def __str__(self):
                raise Hostile()
        with guard.guarded("reading a result"):
            raise Hostile()
        """
    _, (told,) = told_by(program, tmp_path)
    assert "reading a result" in [each.work for each in told.failures]


def test_a_forked_child_tells_of_its_own_failures_only(tmp_path: Path) -> None:
    program = """
        fail("of the parent", "x")
        pid = os.fork()
        if not pid:
            fail("of the child", "y")
            os._exit(0)
        os.waitpid(pid, 0)
        print(pid)
        """
    printed, told = told_by(program, tmp_path)
    works = {each.pid == int(printed): [failure.work for failure in each.failures] for each in told}
    assert works == {False: ["of the parent"], True: ["of the child"]}


def test_the_parents_file_says_that_it_lives_while_a_child_does_not(tmp_path: Path) -> None:
    program = """
        import time
        fail("of the parent", "x")
        pid = os.fork()
        if not pid:
            time.sleep(60)
        (told,) = read_health(__import__("pathlib").Path("store"))
        print(told.is_running)
        if os.fork():
            os._exit(0)  # the child outlives it
        time.sleep(0.3)
        (told,) = read_health(__import__("pathlib").Path("store"))
        print(told.is_running, flush=True)
        os.kill(pid, 9)
        os._exit(0)
        """
    done = run_program(BEGINNING, program, tmp_path, AGENT_TRACE_QUIET="1")
    assert done.stdout == "True\nFalse\n", done.stderr


def test_calls_cost_no_write_and_thousands_of_classes_few(tmp_path: Path) -> None:
    program = """
        instrument("desk:Model.ask")
        model = Model()
        for _ in range(1_000):
            model.ask("x")
        print(len(written) <= 2)
        for number in range(1_000):
            type(f"Model{number}", (Model,), {"ask": lambda self, prompt: prompt})
        print(20 < len(written) < 200)
        """
    assert told_by(program, tmp_path)[0] == "True\nTrue\n"


def test_it_is_bounded_whatever_is_attached(tmp_path: Path) -> None:
    program = """
        instrument(*(f"desk:{'x' * 5_000}{number}" for number in range(300)))
        os._exit(0)
        """
    _, (told,) = told_by(program, tmp_path)
    (path,) = (tmp_path / "store" / "health").iterdir()
    assert len(told.problems) <= 50 and path.stat().st_size < 64 << 10


def test_switched_off_and_in_memory_nothing_is_written(tmp_path: Path) -> None:
    assert told_by("instrument('desk:Model.ask')", tmp_path, ENABLE_LANGFUSE="false") == ("", [])
    program = """
        from agent_trace.testing import recorded
        with recorded():
            instrument("desk:Model.ask")
            fail("reading a result", "x")
            print(written, flush=True)
            os._exit(0)
        """
    assert told_by(program, tmp_path) == ("[]\n", [])
    assert not (tmp_path / "store").exists()


def test_what_it_said_when_it_last_ran_is_out_of_date_when_it_runs_again(tmp_path: Path) -> None:
    _, told = told_by("fail('reading a result', 'x')", tmp_path)
    assert len(told) == 1
    assert (
        told_by("if not os.fork(): fail('of the child', 'x')", tmp_path)[1][0].failures[0].work
        == "of the child"
    )
    assert told_by("observe_llm(len)('x')", tmp_path) == ("", [])


def test_another_directory_takes_it_along(tmp_path: Path) -> None:
    program = """
        from agent_trace import LangFuseTracker
        instrument("desk:Model.ask")
        LangFuseTracker(directory="elsewhere")
        Model().ask("x")
        print(sorted(os.listdir("store/health")), len(os.listdir("elsewhere/health")))
        """
    assert told_by(program, tmp_path)[0] == "[] 1\n"


def test_where_it_cannot_be_written_the_program_goes_on_and_hears_nothing(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "health").write_text("a file")
    program = (
        "instrument('desk:Model.ask'); fail('reading', 'x'); print(Model().ask('fine'), *guard.failures)"
    )
    assert told_by(program, tmp_path)[0] == "fine reading\n"
    full = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
        """
    done = run_program(
        BEGINNING, full + program, tmp_path, AGENT_TRACE_QUIET="1", store=str(tmp_path / "full")
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine reading\n", "")
    assert list((tmp_path / "full" / "health").iterdir()) == []
