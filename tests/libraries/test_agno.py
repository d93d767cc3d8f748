"""agno, alone and attached to, with OpenAI's client below it: one tree, tokens counted once."""

from typing import Any

import pytest
from agno.agent import Agent
from agno.models.openai import OpenAIChat

from agent_trace import instrument, instrument_providers
from tests.support.llm_server import Call, LlmServer, Refusal, Text
from tests.support.side_by_side import TIMES, Scenario, above_client, check, check_undo, in_one_loop, indented

ROUNDS = (Call("price", {"symbol": "AAPL"}), Text("BUY"))


def price(symbol: str) -> str:
    """The price of a symbol."""
    return f"{symbol}: 187.4"


def agent(server: LlmServer, **options: Any) -> Agent:
    model = OpenAIChat(id="gpt-4o", base_url=server.openai_url, api_key="none", **options)
    return Agent(model=model, tools=[price], name="analyst", id="a1", telemetry=False)


def seen(answer: Any) -> Any:
    return (
        type(answer),
        answer.content,
        answer.status,
        answer.tools and [each.result for each in answer.tools],
    )


def run(server: LlmServer) -> Any:
    return seen(agent(server).run("AAPL?"))


def stream(server: LlmServer) -> Any:
    return (*[(type(each), each.content) for each in agent(server).run("AAPL?", stream=True)],)


def async_run(server: LlmServer) -> Any:
    async def work() -> Any:
        return seen(await agent(server).arun("AAPL?"))

    return in_one_loop(work())


def async_stream(server: LlmServer) -> Any:
    async def work() -> Any:
        return (*[(type(each), each.content) async for each in agent(server).arun("AAPL?", stream=True)],)

    return in_one_loop(work())


def failing(server: LlmServer) -> Any:
    return seen(agent(server, max_retries=0).run("AAPL?"))


CLIENT = "generation ChatCompletion gpt-4o 25 tokens"


def runs(method: str, asked: str, *, rounds: int = 1, streamed: bool = False) -> dict[str, str]:
    """A run of the agent with that many requests, and a tool in between.

    streamed: our entry point hands the generator on that the method returns, and what goes on in it later is not below.
    """
    ours, theirs = f"agent Agent.{method}", f"agent analyst.{method}"
    call = above_client(f"generation OpenAIChat.{asked} gpt-4o", CLIENT)
    depth = 0 if streamed else 1
    return {
        "entry": "\n".join([ours, *[indented(call["entry"], depth)] * rounds]),
        "providers": f"{theirs}\n" + indented("\ntool price\n".join([call["providers"]] * rounds)),
        "both": f"{ours}\n"
        + indented(f"{theirs}\n" + indented("\ntool price\n".join([call["both"]] * rounds)), depth),
    }


ONE = runs("run", "invoke")
ERROR = "ERROR agno.exceptions.ModelProviderError"
FAILED = {
    way: each.replace(" (25 reported)", "")
    .replace(CLIENT, "generation ChatCompletion gpt-4o ERROR openai.BadRequestError")
    .replace("analyst.run", "analyst.run ERROR")
    .replace("invoke gpt-4o", f"invoke gpt-4o {ERROR}")
    for way, each in ONE.items()
} | {"entry": ONE["entry"].replace("25 tokens", ERROR)}
SCENARIOS = [
    Scenario("run", run, wanted=ONE),
    Scenario("tools", run, ROUNDS, runs("run", "invoke", rounds=2)),
    Scenario("stream", stream, ROUNDS, runs("run", "invoke_stream", rounds=2, streamed=True)),
    Scenario("async", async_run, ROUNDS, runs("arun", "ainvoke", rounds=2)),
    Scenario("async stream", async_stream, wanted=runs("arun", "ainvoke_stream", streamed=True)),
    Scenario("503 once", run, (Refusal(503),), ONE),
    Scenario("400", failing, (Refusal(400),), FAILED),
    Scenario("empty answer", run, (Text(""),), ONE),
]
ENTRIES = (
    "agno.models.base:Model.invoke*",
    "agno.models.base:Model.ainvoke*",
    "agno.agent:Agent.run=agent",
    "agno.agent:Agent.arun=agent",
)
WAYS = {
    "entry": lambda: [instrument(*ENTRIES)],
    "providers": lambda: [instrument_providers("agno", "openai")],
    "both": lambda: [instrument(*ENTRIES), instrument_providers("agno", "openai")],
}


def test_undone_every_class_is_as_it_was(server: LlmServer) -> None:
    check_undo(SCENARIOS, server, WAYS, "agno", "openai")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_program_sees_no_difference_and_every_call_is_observed(
    server: LlmServer, scenario: Scenario, way: str
) -> None:
    check(scenario, server, way, WAYS[way], TIMES)
