"""What the agents have in common: a question about a stock, and the patience to ask again."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

from trading_desk.prices import Market

from src import config

BRIEF = """\
You trade stocks, and decide once a day, after the close. Judge only by the closing prices below.
Begin with one word: BUY, SELL or NOTHING. Then say why in one sentence, then how sure you are, in percent.

Closing prices in US dollars, oldest first:
"""
ATTEMPTS = 3
PAUSE_S = 0.05


@dataclass
class Decision:
    """What an agent makes of a stock; `confidence` is in percent."""

    symbol: str
    action: str
    confidence: int
    reasoning: str
    mishaps: list[str] = field(default_factory=list)


class BaseAgent:
    """An agent of some type; what it thinks of a stock is left to those below."""

    type = "base"
    exchange = "paper"

    def __init__(self, market: Market) -> None:
        self.market = market
        self.system_prompt = BRIEF + market.table(config.DAYS_SHOWN)

    def run(self, symbol: str) -> Decision:
        """Look at a stock and decide."""
        return self.analyze(symbol)

    def analyze(self, symbol: str) -> Decision:
        raise NotImplementedError

    def ask(self, model: Any, question: str, mishaps: list[str]) -> Any:
        """What the model answers; a busy one is asked again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return model.generate_response(self.system_prompt, question)
            except RuntimeError as problem:
                if "503" not in str(problem) or attempt == ATTEMPTS:
                    raise
                mishaps.append(f"{model.model_type} was busy (503), asked again")
                time.sleep(PAUSE_S * attempt)
        return None


def read_decision(symbol: str, text: str, mishaps: list[str]) -> Decision:
    """An answer as it was asked for; NOTHING when it is something else."""
    action, _, rest = text.partition("\n")
    sure = re.search(r"(\d+) ?%\s*$", text)
    if action not in ("BUY", "SELL", "NOTHING") or sure is None:
        return Decision(symbol, "NOTHING", 0, "no usable answer", mishaps)
    return Decision(symbol, action, int(sure[1]), rest.partition("\n")[0], mishaps)
