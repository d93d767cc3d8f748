"""The three agents that think: what each asks its model, and what it makes of the answer."""

import time
from typing import TypeVar

import openai
import pydantic

from agent_trace import ObservabilityContext, observe_llm

from .answers import Decision, Limit, View
from .broker import Order, PaperBroker
from .models import BaseModel
from .prices import Market

BRIEF = """\
You are one of the agents of a small trading desk. The desk looks at one stock at a time and decides once a day,
after the close. Its book is worth 1,000,000 US dollars; it may buy, or sell short, and never borrows.
Judge only by the closing prices below. Momentum is the change over 20 trading days. Volatility is the standard
deviation of daily changes over the same days, times the square root of 252. Do not invent news.
Answer with one JSON object and nothing else. Reasoning is one short sentence.

Closing prices in US dollars, oldest first:
"""
DAYS_SHOWN = 45
ATTEMPTS = 3
PAUSE_S = 0.05
TRY_AGAIN_STATUS = (429, 503)

Answer = TypeVar("Answer", bound=pydantic.BaseModel)


class NoAnswer(RuntimeError):
    """The model was asked three times and gave nothing that could be used."""


class BaseAgent:
    """Something with a model, a view of the market and the patience to ask again."""

    def __init__(self, model: BaseModel, market: Market) -> None:
        self.model = model
        self.market = market
        self.mishaps: list[str] = []

    def ask(self, question: str, expected: type[Answer]) -> Answer:
        """The model's answer, checked; a busy service and a bad answer are asked again. Raises NoAnswer."""
        system = BRIEF + self.market.table(DAYS_SHOWN)
        for attempt in range(1, ATTEMPTS + 1):
            text = ""
            try:
                text = self.model.answer(system, question)
                return expected.model_validate_json(text)
            except openai.APIStatusError as problem:
                if problem.status_code not in TRY_AGAIN_STATUS:
                    raise
                self.mishaps.append(f"service busy ({problem.status_code})")
            except pydantic.ValidationError as problem:
                self.mishaps.append("answer cut off or not JSON")
                ObservabilityContext.add_error(problem, context={"attempt": attempt, "answer": text})
            time.sleep(PAUSE_S * attempt)
        raise NoAnswer(f"no usable answer in {ATTEMPTS} attempts")


class MarketAnalyst(BaseAgent):
    """Looks at where the price has been going."""

    @observe_llm(name="market analyst", as_type="agent")
    def judge(self, symbol: str) -> View:
        ObservabilityContext.add_agent_metadata(
            "analyst", "market_analyst", agent_id="desk-analyst", symbol=symbol
        )
        return self.ask(
            f"You are the market analyst. Look at {symbol}.\n"
            "Is the momentum strong enough, next to the volatility, to buy or to sell?\n"
            'Answer {"action": "BUY" | "SELL" | "HOLD", "confidence": 0 to 1, "reasoning": "..."}',
            View,
        )


class RiskAgent(BaseAgent):
    """Says how large a position may be."""

    @observe_llm(name="risk agent", as_type="agent")
    def limit(self, symbol: str, view: View) -> Limit:
        ObservabilityContext.add_agent_metadata("risk", "risk_agent", agent_id="desk-risk", symbol=symbol)
        return self.ask(
            f"You are the risk agent. Look at {symbol}.\n"
            f"The market analyst says: {view.model_dump_json()}\n"
            "How much of the book may it take, so that an ordinary day moves the book by a quarter of a percent?\n"
            'Answer {"verdict": "approve" | "reduce" | "veto", "max_weight": 0 to 0.2, "reasoning": "..."}',
            Limit,
        )


class ExecutionAgent(BaseAgent):
    """Decides what is done, and does it."""

    def __init__(self, model: BaseModel, market: Market, broker: PaperBroker) -> None:
        super().__init__(model, market)
        self.broker = broker

    @observe_llm(name="execution agent", as_type="agent")
    def decide(self, symbol: str, view: View, limit: Limit) -> tuple[Decision, Order | None]:
        ObservabilityContext.add_agent_metadata(
            "execution", "execution_agent", agent_id="desk-execution", symbol=symbol
        )
        decision = self.ask(
            f"You are the execution agent. Look at {symbol}.\n"
            f"The market analyst says: {view.model_dump_json()}\n"
            f"The risk agent says: {limit.model_dump_json()}\n"
            "What does the desk do today, and with which fraction of the book?\n"
            'Answer {"action": "BUY" | "SELL" | "HOLD", "weight": 0 to max_weight, "confidence": 0 to 1, '
            '"reasoning": "..."}',
            Decision,
        )
        order = self.broker.trade(symbol, decision.action, min(decision.weight, limit.max_weight))
        ObservabilityContext.add_trading_signal(
            decision.action,
            decision.confidence,
            decision.reasoning,
            symbol=symbol,
            price=self.market.close(symbol),
            order_id=order.order_id if order else None,
        )
        return decision, order
