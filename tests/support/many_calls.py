"""Observations from a process of their own: `python -m tests.support.many_calls trace N | each_second N S | wait NAME`.

`trace N`: one trace of N observations, a few levels deep. `each_second N S`: N traces a second, for S seconds. `wait
NAME`: an agent of this name that has been asked something and does not finish. Each prints a line when it has begun.
"""

import itertools
import sys
import time

from agent_trace import AgentTracer, ObservabilityContext, observe_llm


@observe_llm(name="read prices", as_type="tool")
def read_prices(number: int) -> dict[str, float]:
    """A tool's result."""
    return {"close": 100 + number % 7}


@observe_llm(name="answer")
def answer(messages: list[dict[str, str]]) -> dict[str, object]:
    """A model's answer, with what it used."""
    usage = {"prompt_tokens": 1200, "completion_tokens": 40, "total_tokens": 1240}
    said = {"role": "assistant", "content": f"HOLD after {messages[-1]['content']}"}
    return {"model": "gpt-4o-mini", "choices": [{"message": said, "finish_reason": "stop"}], "usage": usage}


@observe_llm(name="round", as_type="chain")
def round_of(number: int) -> None:
    """Ten observations: itself, a tool, a generation, and so on."""
    for turn in range(4):
        read_prices(number + turn)
        answer(
            [
                {"role": "system", "content": "You trade."},
                {"role": "user", "content": f"round {number}.{turn}"},
            ]
        )
    read_prices(number)


def one_trace(observations: int) -> None:
    """A trace of so many observations."""
    rounds, rest = divmod(observations - 1, 10)
    with AgentTracer().trace_agent_execution("marathon", "acme", session_id="long day"):
        for number in range(rounds):
            round_of(number)
        for number in range(rest):
            read_prices(number)


def each_second(rate: int, seconds: float) -> None:
    """Traces of one generation at an even pace, each with its number."""
    print("begun", flush=True)
    begun = time.monotonic()
    for number in itertools.count():
        due_s = number / rate
        if due_s >= seconds:
            return
        time.sleep(max(begun + due_s - time.monotonic(), 0))
        with ObservabilityContext.scope(agent_id="ticker", tenant_id="acme", session_id="live"):
            observe_llm(answer, name=f"tick {number}")([{"role": "user", "content": f"tick {number}"}])


def wait(name: str) -> None:
    """One finished call of an agent that then thinks for an hour."""
    with AgentTracer().trace_agent_execution(name, "acme", session_id="unfinished"):
        answer([{"role": "user", "content": "Where is AAPL going?"}])
        print("begun", flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1] == "trace":
        one_trace(int(sys.argv[2]))
    elif sys.argv[1] == "each_second":
        each_second(int(sys.argv[2]), float(sys.argv[3]))
    else:
        wait(sys.argv[2])
