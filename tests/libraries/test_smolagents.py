"""smolagents, alone and attached to, with OpenAI's client below it: one tree, tokens counted once."""

from typing import Any

import pytest
from smolagents import OpenAIModel, ToolCallingAgent, tool

from agent_trace import instrument, instrument_providers
from tests.support.llm_server import Call, LlmServer, Refusal, Text
from tests.support.side_by_side import TIMES, Scenario, above_client, check, check_undo, indented, nested

PROMPT: Any = [{"role": "user", "content": "AAPL?"}]
ROUNDS = (Call("price", {"symbol": "AAPL"}), Call("final_answer", {"answer": "BUY"}))


@tool
def price(symbol: str) -> str:
    """The price of a symbol.

    Args:
        symbol: of which stock
    """
    return f"{symbol}: 187.4"


def model(server: LlmServer, **options: Any) -> OpenAIModel:
    return OpenAIModel("gpt-4o", api_base=server.openai_url, api_key="none", **options)


def chat(server: LlmServer) -> Any:
    answer = model(server).generate(PROMPT)
    return answer, answer.content, answer.token_usage


def call(server: LlmServer) -> Any:
    return model(server)(PROMPT)


def stream(server: LlmServer) -> Any:
    return (*model(server).generate_stream(PROMPT),)


def agent(server: LlmServer) -> Any:
    made = ToolCallingAgent(tools=[price], model=model(server), verbosity_level=1)
    return made.run("AAPL?"), [step.token_usage for step in made.memory.steps if hasattr(step, "token_usage")]


def failing(server: LlmServer) -> Any:
    return model(server, client_kwargs={"max_retries": 0}, retry=False).generate(PROMPT)


CLIENT = "generation ChatCompletion gpt-4o 25 tokens"


ONE = above_client("generation OpenAIModel.generate gpt-4o", CLIENT)
STREAMED = above_client("generation OpenAIModel.generate_stream gpt-4o", CLIENT)
CALLED = {
    "entry": "generation OpenAIModel.__call__ gpt-4o 25 tokens",
    "providers": ONE["providers"],
    "both": "generation OpenAIModel.__call__ gpt-4o (25 reported)\n" + indented(ONE["both"]),
}
FAILED = (
    "generation OpenAIModel.generate ERROR openai.BadRequestError",
    "generation OpenAIModel.generate gpt-4o ERROR openai.BadRequestError",
    "generation ChatCompletion gpt-4o ERROR openai.BadRequestError",
)
REFUSED = {"entry": FAILED[1], "providers": nested(FAILED[0], FAILED[2]), "both": nested(*FAILED)}


def step(number: int, call: str, *tool: str) -> str:
    return f"chain Step {number}\n{indented(call)}\n{indented(nested(*tool))}"


RUN = "agent ToolCallingAgent.run"
AGENT = {
    "entry": "\n  ".join(
        [RUN, ONE["entry"], "tool SimpleTool.__call__", ONE["entry"], "tool FinalAnswerTool.__call__"]
    ),
    "providers": "\n".join(
        [
            f"{RUN} (50 reported)",
            indented(step(1, ONE["providers"], "tool SimpleTool")),
            indented(step(2, ONE["providers"], "tool FinalAnswerTool")),
        ]
    ),
    "both": "\n".join(
        [
            f"{RUN} (50 reported)\n  {RUN}",
            indented(step(1, ONE["both"], "tool SimpleTool", "tool SimpleTool.__call__"), 2),
            indented(step(2, ONE["both"], "tool FinalAnswerTool", "tool FinalAnswerTool.__call__"), 2),
        ]
    ),
}
SCENARIOS = [
    Scenario("chat", chat, wanted=ONE),
    Scenario("call", call, wanted=CALLED),
    Scenario("stream", stream, (Text("Buy it, and hold it."),), STREAMED),
    Scenario("agent", agent, ROUNDS, AGENT),
    Scenario("429 once", chat, (Refusal(429),), ONE),
    Scenario("400", failing, (Refusal(400),), REFUSED),
    Scenario("empty answer", chat, (Text(""),), ONE),
]
ENTRIES = (
    "smolagents.models:Model",
    "smolagents.agents:MultiStepAgent.run=agent",
    "smolagents.tools:Tool.__call__=tool",
)
WAYS = {
    "entry": lambda: [instrument(*ENTRIES)],
    "providers": lambda: [instrument_providers("smolagents", "openai")],
    "both": lambda: [instrument(*ENTRIES), instrument_providers("smolagents", "openai")],
}


def test_undone_every_class_is_as_it_was(server: LlmServer) -> None:
    check_undo(SCENARIOS, server, WAYS, "smolagents", "openai")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_program_sees_no_difference_and_every_call_is_observed(
    server: LlmServer, scenario: Scenario, way: str
) -> None:
    check(scenario, server, way, WAYS[way], TIMES)
