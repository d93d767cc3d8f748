"""Asks a careful model; without one it does nothing."""

from src.models import model_factory

from .base_agent import BaseAgent, Decision, read_decision


class RiskAgent(BaseAgent):
    type = "risk"

    def analyze(self, symbol: str) -> Decision:
        mishaps: list[str] = []
        model = model_factory.get_model("claude")
        if model is None:
            return Decision(symbol, "NOTHING", 0, "nobody to ask")
        question = f"Look at {symbol}. Be careful: would you rather be out of it?"
        return read_decision(symbol, self.ask(model, question, mishaps).content, mishaps)
