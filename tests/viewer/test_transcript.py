"""A trace as a conversation in which nothing is said twice."""

from typing import Any

from agent_trace.observation import Observation
from agent_trace.viewer.transcript import innermost, turns


def asked(messages: list[dict[str, Any]], answer: Any, id: str = "1") -> Observation:
    return Observation(id=id, type="generation", input={"messages": messages}, output=answer)


def said(*generations: Observation) -> list[tuple[int, list[str]]]:
    """For each turn, how many messages were known, and the new ones."""
    return [
        (turn.repeated, [f"{each.role}: {each.parts[0].excerpt.text}" for each in turn.messages])
        for turn in turns(generations, 10_000)
    ]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_history_that_was_shown_is_not_shown_again() -> None:
    first = [user("AAPL?")]
    second = [*first, assistant("BUY"), user("Sure?")]
    assert said(asked(first, "BUY"), asked(second, "Yes")) == [
        (0, ["user: AAPL?", "assistant: BUY"]),
        (2, ["user: Sure?", "assistant: Yes"]),
    ]


def test_what_was_said_twice_is_shown_twice() -> None:
    first = [user("yes")]
    second = [user("yes"), assistant("ok"), user("yes")]
    assert said(asked(first, "ok"), asked(second, "ok")) == [
        (0, ["user: yes", "assistant: ok"]),
        (2, ["user: yes", "assistant: ok"]),
    ]


def test_an_answer_is_known_again_in_another_form_of_message() -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": [{"type": "text", "text": "BUY "}]}}]}
    assert said(asked([user("a")], answer), asked([user("a"), assistant("BUY"), user("b")], None))[1] == (
        2,
        ["user: b"],
    )


def test_calls_with_other_arguments_are_not_the_same() -> None:
    def calling(symbol: str) -> dict[str, Any]:
        return {"role": "assistant", "content": None, "tool_calls": [{"id": symbol, "function": {"name": "price", "arguments": f'{{"symbol": "{symbol}"}}'}}]}  # fmt: skip

    found = said(asked([calling("A")], None), asked([calling("A"), calling("B")], None))
    assert [repeated for repeated, _ in found] == [0, 1]


def test_of_generations_inside_one_another_the_innermost_speak() -> None:
    parents = {"agent": None, "wrapper": "agent", "chain": "wrapper", "call": "chain", "other": "agent"}
    assert innermost(["wrapper", "call", "other"], parents) == {"call", "other"}


def test_parents_that_go_round_in_a_circle_are_survived() -> None:
    assert innermost(["a", "b"], {"a": "b", "b": "a"}) == set()
