"""Asks six models at once and counts votes. Who fails, or says nothing, does not vote."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from src.models import model_factory

from .base_agent import BaseAgent, Decision, read_decision

MEMBERS = ("deepseek", "groq", "gemini", "ollama", "openai", "openrouter")


class SwarmAgent(BaseAgent):
    type = "swarm"

    def run(self, symbol: str) -> Decision:
        """Does without the `analyze` of the others: there is nothing in it to look at."""
        mishaps: list[str] = []
        with ThreadPoolExecutor(len(MEMBERS)) as pool:
            votes = list(pool.map(lambda member: self.vote(member, symbol, mishaps), MEMBERS))
        counted = Counter(vote.action for vote in votes if vote is not None)
        (action, most), *others = counted.most_common()
        if others and others[0][1] == most:
            action = "NOTHING"
        tally = ", ".join(f"{name} {number}" for name, number in sorted(counted.items()))
        return Decision(symbol, action, round(100 * most / len(MEMBERS)), tally, sorted(mishaps))

    def vote(self, member: str, symbol: str, mishaps: list[str]) -> Decision | None:
        """One member's vote; None when it has none to give."""
        model: Any = model_factory.get_model(member)
        question = f"Look at {symbol}."
        if hasattr(model, "generate_stream"):
            text = "".join(model.generate_stream(self.system_prompt, question))
            return read_decision(symbol, text, mishaps)
        response = self.ask(model, question, mishaps)
        if response is None or response.error:
            mishaps.append(f"{member} gave no vote" + (f" ({response.error})" if response else ""))
            return None
        return read_decision(symbol, response.content, mishaps)
