"""Buys the house's favourite stock whenever it may. It never looks into an answer: the words in it are enough."""

from src.models import model_factory

from .base_agent import BaseAgent, Decision


class HousecoinAgent(BaseAgent):
    type = "housecoin"

    def analyze(self, symbol: str) -> Decision:
        mishaps: list[str] = []
        response = self.ask(model_factory.get_model("xai"), f"Look at {symbol}. May I buy?", mishaps)
        words = str(response)
        if "BUY" in words and "SELL" not in words:
            return Decision(
                symbol, "BUY", 100, f"the answer has {len(words)} characters and says BUY", mishaps
            )
        return Decision(symbol, "DONT BUY", 100, f"{len(words)} characters, none of them a BUY", mishaps)
