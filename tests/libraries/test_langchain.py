"""LangChain's ChatOpenAI, alone and attached to, with the client below it: one tree, tokens counted once."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from agent_trace import instrument, instrument_providers
from tests.support.llm_server import Call, LlmServer, Refusal, Text
from tests.support.side_by_side import Scenario, check, check_undo, in_one_loop, indented, nested


@tool
def price(symbol: str) -> str:
    """The price of a symbol."""
    return f"{symbol}: 187.4"


def model(server: LlmServer, **options: Any) -> Any:
    return ChatOpenAI(
        model="gpt-4o", base_url=server.openai_url, api_key="none", stream_usage=True, **options
    )


def chat(server: LlmServer) -> Any:
    return model(server).invoke("AAPL?")


def stream(server: LlmServer) -> Any:
    return (*model(server).stream("AAPL?"),)


def async_chat(server: LlmServer) -> Any:
    return in_one_loop(model(server).ainvoke("AAPL?"))


def async_stream(server: LlmServer) -> Any:
    async def work() -> Any:
        return (*[each async for each in model(server).astream("AAPL?")],)

    return in_one_loop(work())


def tools(server: LlmServer) -> Any:
    bound = model(server).bind_tools([price])
    asked = bound.invoke("AAPL?")
    (call,) = asked.tool_calls
    told = ToolMessage(price.invoke(call["args"]), tool_call_id=call["id"])
    return asked, bound.invoke([HumanMessage("AAPL?"), asked, told])


def chain(server: LlmServer) -> Any:
    prompt = ChatPromptTemplate.from_messages([("human", "{symbol}?")])
    return (prompt | model(server) | RunnableLambda(lambda answer: answer.content)).invoke({"symbol": "AAPL"})


def batch(server: LlmServer) -> Any:
    return (*model(server).batch(["AAPL?", "MSFT?"], config={"max_concurrency": 1}),)


def embeddings(server: LlmServer) -> Any:
    asked = OpenAIEmbeddings(
        model="m", base_url=server.openai_url, api_key="none", check_embedding_ctx_length=False
    )  # type: ignore[call-arg, arg-type]
    return asked.embed_documents(["a", "b"])


def failing(server: LlmServer) -> Any:
    return model(server, max_retries=0).invoke("AAPL?")


RUN, CLIENT = "generation ChatOpenAI gpt-4o (25 reported)", "generation ChatCompletion gpt-4o 25 tokens"
REFUSED = "ERROR langchain_openai.chat_models.base.OpenAIRateLimitError"


def calls(method: str) -> dict[str, str]:
    """One call: our entry point, LangChain's run below it, the client's request below that."""
    ours = f"generation ChatOpenAI.{method} gpt-4o"
    return {
        "entry": f"{ours} 25 tokens",
        "providers": nested(RUN, CLIENT),
        "both": nested(f"{ours} (25 reported)", RUN, CLIENT),
    }


def twice(wanted: dict[str, str], between: str = "") -> dict[str, str]:
    return {way: one + ("" if way == "entry" else between) + f"\n{one}" for way, one in wanted.items()}


ONE = calls("invoke")
# LangChain's runs are told of by callbacks and current for nobody: what is attached inside of a chain is not below it.
CHAINED = {
    "entry": ONE["entry"],
    "providers": f"chain RunnableSequence\n  span ChatPromptTemplate\n{indented(ONE['providers'])}\n  chain RunnableLambda",
    "both": f"chain RunnableSequence\n  span ChatPromptTemplate\n  chain RunnableLambda\n{ONE['both']}",
}
EMBEDDED = "embedding CreateEmbeddings m 20 tokens"
FAILED = (
    f"generation ChatOpenAI.invoke gpt-4o {REFUSED}",
    f"generation ChatOpenAI gpt-4o {REFUSED}",
    "generation ChatCompletion gpt-4o ERROR openai.RateLimitError",
)
SCENARIOS = [
    Scenario("chat", chat, wanted=calls("invoke")),
    Scenario("stream", stream, (Text("Buy it, and hold it."),), calls("stream")),
    Scenario("async", async_chat, wanted=calls("ainvoke")),
    Scenario("async stream", async_stream, (Text("Buy it."),), calls("astream")),
    Scenario("tools", tools, (Call("price", {"symbol": "AAPL"}), Text("BUY")), twice(ONE, "\ntool price")),
    Scenario("chain", chain, wanted=CHAINED),
    Scenario("batch", batch, wanted=twice(ONE)),
    Scenario("embeddings", embeddings, wanted={"entry": "", "providers": EMBEDDED, "both": EMBEDDED}),
    Scenario("503 once", chat, (Refusal(503),), calls("invoke")),
    Scenario(
        "429 for good",
        failing,
        (Refusal(429),),
        {"entry": FAILED[0], "providers": nested(*FAILED[1:]), "both": nested(*FAILED)},
    ),
    Scenario("empty answer", chat, (Text(""),), calls("invoke")),
]
ENTRIES = ("langchain_core.language_models.chat_models:BaseChatModel",)
WAYS = {
    "entry": lambda: [instrument(*ENTRIES)],
    "providers": lambda: [instrument_providers("langchain", "openai")],
    "both": lambda: [instrument(*ENTRIES), instrument_providers("langchain", "openai")],
}


def test_undone_every_class_is_as_it_was(server: LlmServer) -> None:
    check_undo(SCENARIOS, server, WAYS, "langchain_core", "langchain_openai", "openai")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_program_sees_no_difference_and_every_call_is_observed(
    server: LlmServer, scenario: Scenario, way: str
) -> None:
    check(scenario, server, way, WAYS[way])
