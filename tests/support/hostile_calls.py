"""Calls whose every name and word was chosen to harm whoever looks at them: `python -m tests.support.hostile_calls`.

Whatever of it a browser would execute sets `window.executed`.
"""

from typing import Any, Final

from agent_trace import AgentTracer, ObservabilityContext, observe_llm

SCRIPT: Final = "<script>window.executed='a script'</script>"
IMAGE: Final = "<img src=x onerror=\"window.executed='an image'\">"
CLOSING: Final = (
    "</script></title></textarea></style></template>--><svg onload=\"window.executed='a drawing'\">"
)
ATTRIBUTE: Final = (
    '"\' autofocus onfocus="window.executed=\'an attribute\'" style="position:fixed;inset:0" x="'
)
LINK: Final = "javascript:window.executed='a link'"
MARKDOWN: Final = (
    f'[look]({LINK}) ![at](http://192.0.2.1/picture.png) <a href="{LINK}">click</a> http://192.0.2.1/'
)
TEMPLATE: Final = "{{ 7 * 191 }} {% for x in y %} ${7 * 191} <%= 7 * 191 %> &lt;b&gt; &amp;amp;"
STEERING: Final = (
    "\u202efdp.exe\u202c \u2066isolated \u200bzero\u200dwidth \x1b[31mred\x1b[0m \x07 \x00 \u2028 \ufeff end"
)
LONE: Final = "half \ud83d a pair, the other \ude00"
LONG: Final = "unbreakable" * 300
WORDS: Final = {
    "script": SCRIPT,
    "image": IMAGE,
    "closing": CLOSING,
    "attribute": ATTRIBUTE,
    "link": LINK,
    "markdown": MARKDOWN,
    "template": TEMPLATE,
    "steering": STEERING,
    "lone": LONE,
    "long": LONG,
    "stacked": "Z" + "\u0300" * 400,
    "arabic": "\u0627\u0644\u0633\u0639\u0631 \u064a\u0631\u062a\u0641\u0639 BUY 100",
}
EVERYTHING: Final = " ".join(WORDS.values())


def main() -> None:
    """One trace for each word, one with all of them, a large one."""
    for word in WORDS.values():
        decide(word)
    decide(EVERYTHING)
    observe_llm(large, name="large")([{"role": "user", "content": SCRIPT + "m" * 5_000_000}])


def decide(word: str) -> None:
    """An agent with everything that can be said about it being this word."""
    with ObservabilityContext.scope(user_id=word, agent_type=word):
        with AgentTracer().trace_agent_execution(word, word, session_id=word):
            ObservabilityContext.add_agent_metadata(
                word, word, **{word: word}, nested={word: [word, {word: word}]}
            )
            observe_llm(answer, name=word)(
                [_message(role, word) for role in ("system", "user", "assistant", word)]
            )
            observe_llm(tool, name=word, as_type="tool")(**{"word": word, word: word})
            ObservabilityContext.add_handoff(word, word, valid=False, reason=word, **{word: word})
            fail(word)
    with ObservabilityContext.scope(agent_id=IMAGE, tenant_id=SCRIPT, session_id=LINK):
        observe_llm(answer, name=f"{IMAGE}{word}")(word)


def answer(messages: Any) -> dict[str, Any]:
    """What a model answers: text, and a call of a tool."""
    word = messages if isinstance(messages, str) else messages[-1]["content"]
    ObservabilityContext.add_trading_signal(word, 752, word, symbol=word, venue=word)
    ObservabilityContext.score(word, word, comment=word)
    return {
        "id": word,
        "model": f"gpt-4o {word}",
        "choices": [{"finish_reason": word, "index": 0, "message": _calling(word)}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010},
    }


def tool(**arguments: str) -> list[str]:
    """A tool that gives back what it was given."""
    return [*arguments, *arguments.values()]


def large(messages: list[dict[str, str]]) -> str:
    """A call with a message of five megabytes and 300 notes."""
    ObservabilityContext.add_agent_metadata(
        "reader", "reader", **{f"note {n}": f"{n} {SCRIPT}" for n in range(300)}
    )
    return messages[0]["content"]


def fail(word: str) -> None:
    """An error whose message is this word, dealt with."""
    try:
        observe_llm(_raise, name=word)(word)
    except ValueError as error:
        ObservabilityContext.add_error(error, {word: word})


def _raise(word: str) -> None:
    raise ValueError(word)


def _message(role: str, word: str) -> dict[str, Any]:
    return {"role": role, "content": word, "name": word}


def _calling(word: str) -> dict[str, Any]:
    function = {"name": word, "arguments": '{"word": "</script>' + SCRIPT.replace('"', "'") + '"}'}
    return {
        "role": "assistant",
        "content": word,
        "tool_calls": [{"id": word, "type": "function", "function": function}],
    }


if __name__ == "__main__":
    main()
