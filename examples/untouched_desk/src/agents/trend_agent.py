"""Asks one model, and believes it."""

from src.models import model_factory

from .base_agent import BaseAgent, Decision, read_decision


class TrendAgent(BaseAgent):
    type = "trend"

    def analyze(self, symbol: str) -> Decision:
        mishaps: list[str] = []
        answer = self.ask(model_factory.get_model("openai"), f"Look at {symbol}.", mishaps)
        return read_decision(symbol, answer.content, mishaps)
