"""Pools of interpreters are thread pools, but what carries a context cannot go into another interpreter."""

from pathlib import Path

from tests.support.programs import run_program

PROGRAM = """
import sys, types
from concurrent.futures import ThreadPoolExecutor
untouched = ThreadPoolExecutor.submit
if sys.version_info < (3, 14):
    class InterpreterPoolExecutor(ThreadPoolExecutor):
        "As far as we touch it."
    sys.modules["concurrent.futures.interpreter"] = types.SimpleNamespace(InterpreterPoolExecutor=InterpreterPoolExecutor)
else:
    from concurrent.futures import InterpreterPoolExecutor
from agent_trace import observe_llm
@observe_llm
def ask(question): return question
ask("AAPL?")
"""


def test_a_pool_of_interpreters_takes_functions_as_it_does_without_us(tmp_path: Path) -> None:
    asked = """
print(ThreadPoolExecutor.submit is untouched, InterpreterPoolExecutor.submit is untouched)
with InterpreterPoolExecutor(2) as pool:
    print(list(pool.map(len, ["AAPL", "F"])))
    """
    done = run_program(PROGRAM, asked, tmp_path)
    assert done.stdout == "False True\n[4, 1]\n", done.stderr
