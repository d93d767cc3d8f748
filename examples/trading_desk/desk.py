"""The desk: a supervisor that hands one stock from agent to agent, and a decision at the end."""

from dataclasses import dataclass
from typing import Protocol

import openai

from agent_trace import ObservabilityContext, observe_llm

from .agents import BaseAgent, ExecutionAgent, MarketAnalyst, NoAnswer, RiskAgent
from .answers import Decision
from .broker import Order, PaperBroker
from .models import ModelFactory
from .prices import Market


class Narrator(Protocol):
    """Whoever tells the user what the desk is doing."""

    def stock(self, symbol: str, closes: list[float]) -> None: ...

    def says(self, agent: str, verdict: str, reasoning: str, mishaps: list[str]) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What the desk made of one stock; without an order it holds."""

    symbol: str
    decision: Decision
    order: Order | None


class Supervisor:
    """Asks the analyst, then risk, then execution; holds when one of them has no answer."""

    def __init__(self, factory: ModelFactory, model_name: str, market: Market, narrator: Narrator) -> None:
        self.market = market
        self.analyst = MarketAnalyst(factory.create_model("stream", model_name), market)
        self.risk = RiskAgent(factory.create_model("chat", model_name), market)
        self.execution = ExecutionAgent(factory.create_model("chat", model_name), market, PaperBroker(market))
        self.narrator = narrator

    @observe_llm(name="trading desk", as_type="agent")
    def decide(self, symbol: str) -> Outcome:
        ObservabilityContext.add_agent_metadata(
            "supervisor", "supervisor", agent_id="desk-supervisor", symbol=symbol
        )
        try:
            return self.hand_round(symbol)
        except NoAnswer as problem:
            ObservabilityContext.add_error(problem, context={"symbol": symbol, "instead": "HOLD"})
            ObservabilityContext.add_trading_signal("HOLD", 0.0, str(problem), symbol=symbol)
            return Outcome(
                symbol, Decision(action="HOLD", weight=0, confidence=0, reasoning=str(problem)), None
            )

    def hand_round(self, symbol: str) -> Outcome:
        self.narrator.stock(symbol, self.market.closes[symbol])
        view = self.analyst.judge(symbol)
        self.tell("analyst", self.analyst, f"{view.action} {view.confidence:.2f}", view.reasoning)
        self.hand_over("market_analyst", "risk_agent", "how much may it take")
        limit = self.risk.limit(symbol, view)
        self.tell("risk", self.risk, f"{limit.verdict} {limit.max_weight:.1%}", limit.reasoning)
        self.hand_over("risk_agent", "execution_agent", "decide and trade")
        decision, order = self.execution.decide(symbol, view, limit)
        done = f"{decision.action} {abs(order.shares):,}" if order else "HOLD"
        self.tell("execution", self.execution, done, decision.reasoning)
        return Outcome(symbol, decision, order)

    def hand_over(self, giver: str, taker: str, reason: str) -> None:
        ObservabilityContext.add_handoff(giver, taker, reason=reason)

    def tell(self, name: str, agent: BaseAgent, verdict: str, reasoning: str) -> None:
        mishaps, agent.mishaps = agent.mishaps, []
        self.narrator.says(name, verdict, reasoning, mishaps)


def run_desk(
    client: openai.OpenAI, model_name: str, market: Market, narrator: Narrator, run_id: str
) -> list[Outcome]:
    """One round over every stock of the market; one trace a stock, all in one session."""
    supervisor = Supervisor(ModelFactory(client), model_name, market, narrator)
    with ObservabilityContext.scope(tenant_id="demo-desk", session_id=run_id):
        return [supervisor.decide(symbol) for symbol in market.symbols]
