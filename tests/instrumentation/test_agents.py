"""Agents: a scope that everything below inherits, and what an agent says of itself."""

import asyncio
import enum
from typing import Any

from agent_trace import instrument, observe_llm
from agent_trace.testing import recorded
from tests.support.attaching import observed


class Kind(enum.Enum):
    ANALYST = "analyst"


class BaseAgent:
    type: Any = Kind.ANALYST
    stop_loss: float
    api_token: str

    def __init__(self, name: str | None = None) -> None:
        if name:
            self.name = name
        self.agent_id = 7
        self.exchange = "NYSE"
        self.symbol = "AAPL"
        self.stop_loss = 0.1
        self.api_token = "tok-tok-tok"
        self.unmentioned = "nobody asked"

    @property
    def strategy(self) -> str:
        raise AssertionError("a property was run")

    def run(self) -> str:
        return self.decide()

    def decide(self) -> str:
        return "HOLD"


class Analyst(BaseAgent):
    def run(self) -> str:
        return super().run() + think("x")

    async def arun(self) -> str:
        return await athink("x")


@observe_llm
def think(prompt: str) -> str:
    return prompt


@observe_llm
async def athink(prompt: str) -> str:
    return prompt


def test_an_agent_opens_a_scope_that_everything_below_inherits() -> None:
    sink = observed(lambda: Analyst("ann").run(), f"{__name__}:BaseAgent.run", as_type="agent")
    below, agent = sink
    assert below.parent_id == agent.id
    for each in (below, agent):
        assert (each.agent_type, each.agent_name, each.agent_id) == ("analyst", "ann", "7")
    assert agent.metadata == {"exchange": "NYSE", "symbol": "AAPL", "stop_loss": 0.1}
    assert agent.entry_point == f"{__name__}:Analyst.run"


def test_the_scope_is_in_the_opened_record_and_ends_with_the_agent() -> None:
    with instrument(BaseAgent.run, as_type="agent"), recorded() as sink:
        Analyst("ann").run()
        think("after")
    assert sink.records[0]["kind"] == "opened"
    assert sink.records[0]["agent_name"] == "ann"
    assert next(each for each in sink if each.input == {"prompt": "after"}).agent_name is None


def test_the_class_stands_in_for_a_name_and_a_type() -> None:
    class Nameless(BaseAgent):
        type = None

    with instrument(BaseAgent.run, as_type="agent"), recorded() as sink:
        Nameless().run()
    assert (sink.one().agent_type, sink.one().agent_name) == ("Nameless", "Nameless")


def test_agents_at_the_same_time_keep_their_scopes_apart() -> None:
    async def program() -> None:
        await asyncio.gather(Analyst("a").arun(), Analyst("b").arun())

    with instrument(Analyst.arun, as_type="agent"), recorded() as sink:
        asyncio.run(program())
    by_id = {each.id: each for each in sink}
    below = [each for each in sink if each.parent_id]
    assert sorted(str(each.agent_name) for each in below) == ["a", "b"]
    assert all(by_id[str(each.parent_id)].agent_name == each.agent_name for each in below)


def test_an_agent_below_another_has_its_own_scope() -> None:
    class Desk(BaseAgent):
        def run(self) -> str:
            return Analyst("inner").run() + think("outer")

    with instrument(BaseAgent.run, as_type="agent"), recorded() as sink:
        Desk("outer").run()
    assert [(each.name.rpartition(">.")[2], each.agent_name) for each in sink] == [
        ("think", "inner"),
        ("Analyst.run", "inner"),
        ("think", "outer"),
        ("Desk.run", "outer"),
    ]
