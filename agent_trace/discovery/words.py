"""Which names sound like asking a model, like a model, and like an agent. Names only; what the code does is not looked at."""

import re
from functools import cache
from typing import Final

_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]+|[a-z0-9]+|\d+")

_VERBS: Final = frozenset(
    "generate complete completion completions invoke chat ask respond infer converse prompt".split()
)
_LOOSE_VERBS: Final = frozenset("predict run call query answer stream request reply".split())
_FETCHING: Final = frozenset("get create fetch make call query request send stream run do execute".split())
_ANSWERS: Final = frozenset(
    "response responses completion completions llm chat answer message messages gpt claude ai reply prompt model text"
    " content stream json structured output batch with from object conversation".split()
)
_PROVIDERS: Final = frozenset(
    "llm llms gpt claude openai anthropic gemini ollama groq deepseek mistral grok litellm chatgpt bedrock vllm".split()
)
_MODELS: Final = _PROVIDERS | frozenset(
    "model lm provider chat chatbot bot ai completion language inference client".split()
)
_NO_AGENTS: Final = frozenset(
    "config configuration error exception state factory registry response result results type settings memory tool"
    " manager info request status event message schema role stats context output input card spec test mixin".split()
)
_PROMPTS: Final = frozenset(
    "prompt prompts messages message system_prompt user_prompt user_content user_message system question query text"
    " conversation history chat_history max_tokens temperature instructions contents".split()
)
AGENT_METHODS: Final = (
    *(
        "run",
        "act",
        "decide",
        "execute",
        "step",
        "invoke",
        "analyze",
        "analyse",
        "trade",
        "think",
        "judge",
        "vote",
    ),
    *("process", "handle", "plan", "solve", "respond", "chat", "ask", "generate", "forward", "__call__"),
)
"""What agents do, the outermost first."""

_OF_SOMETHING: Final = ("run", "decide", "analyze", "analyse", "trade", "think", "judge")
"""Those that still are it when a noun follows: `run_cycle`, `analyze_market`."""


@cache
def parts(name: str) -> tuple[str, ...]:
    """`OpenAIModel` as open, ai, model; `get_LLM` as get, llm; names of providers stay whole."""
    spelt = name.replace("OpenAI", "Openai").replace("DeepSeek", "Deepseek").replace("LiteLLM", "Litellm")
    spelt = spelt.replace("ChatGPT", "Chatgpt").replace("LLMs", "Llms")
    return tuple(part.lower() for part in _PARTS.findall(spelt))


def asks(method: str) -> int:
    """How much a method's name sounds like asking a model: 2 surely, 1 perhaps, 0 not."""
    if method == "__call__":
        return 1
    if method.startswith("_"):
        return 0
    first, *rest = parts(method) or ("",)
    verb = first if first in _VERBS | _LOOSE_VERBS else first.removeprefix("a")
    if verb in _VERBS and all(each in _ANSWERS or each in _VERBS or each == "async" for each in rest):
        return 2
    if verb in _FETCHING and rest and any(each in _PROVIDERS | _VERBS for each in rest):
        return 2
    if verb in _FETCHING and rest and rest[-1] in ("response", "answer", "reply"):
        return 2
    return 1 if verb in _LOOSE_VERBS and all(each in ("async", "stream", "sync") for each in rest) else 0


def takes_a_prompt(parameters: tuple[str, ...]) -> bool:
    """Whether one of the parameters is what models are given."""
    return any(each in _PROMPTS for each in parameters)


def is_model(class_name: str) -> bool:
    """Whether a class sounds like a model or a client of one."""
    return any(part in _MODELS for part in parts(class_name))


def is_provider(name: str) -> bool:
    """Whether a name has a provider's in it, or says that it is about a language model."""
    return any(part in _PROVIDERS for part in parts(name))


def is_agent(class_name: str) -> bool:
    """Whether a class sounds like an agent, and not like something of an agent's."""
    found = parts(class_name.rpartition(".")[2])
    return any(part in ("agent", "agents") for part in found) and found[-1] not in _NO_AGENTS


def is_agent_function(function: str, parameters: tuple[str, ...]) -> bool:
    """Whether a function is an agent itself, as the nodes of a graph are: `risk_agent(state)`."""
    found = parts(function)
    return found[-1:] == ("agent",) and len(found) > 1 and "state" in parameters and not makes(function)


def agent_rank(method: str) -> int | None:
    """The place of a method among those that agents are run by, the outermost first; None for any other."""
    if method in AGENT_METHODS:
        return 2 * AGENT_METHODS.index(method)
    first, *rest = parts(method) or ("",)
    if method.startswith("_") or not rest:
        return None
    if first in ("make", "get") and rest[-1] == "decision":
        return 2 * AGENT_METHODS.index("decide")
    return 2 * AGENT_METHODS.index(first) + 1 if first in _OF_SOMETHING else None


def makes(function: str) -> bool:
    """Whether a function sounds like one that makes models or agents: `create_model`, `get_llm`, `build_agent`."""
    first, *rest = parts(function.lstrip("_")) or ("",)
    return (
        first in ("create", "get", "make", "build", "load", "new", "init", "initialize", "select", "resolve")
        and bool(rest)
        and (rest[-1] in ("model", "llm", "lm", "agent", "provider", "chat") or rest[-1] in _PROVIDERS)
    )


def names_a_model(function: str) -> bool:
    """Whether the name of a function says that it asks a model."""
    return asks(function.lstrip("_")) > 0 or any(
        part in _PROVIDERS | _VERBS | {"ai", "prompt", "answer", "response", "summarize", "summarise"}
        for part in parts(function)
    )
