"""A broker that fills every order at the last close, on paper."""

from dataclasses import dataclass
from itertools import count

from agent_trace import observe_llm

from .answers import Action
from .prices import Market

BOOK_USD = 1_000_000


@dataclass(frozen=True)
class Order:
    """A filled order; `shares` is negative when sold short, `price` is US dollars a share."""

    order_id: str
    symbol: str
    shares: int
    price: float


class PaperBroker:
    """Turns a fraction of the book into shares, and fills them."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.numbers = count(1)

    def trade(self, symbol: str, action: Action, weight: float) -> Order | None:
        shares = int(weight * BOOK_USD / self.market.close(symbol))
        if action == "HOLD" or shares == 0:
            return None
        return self.place_order(symbol, shares if action == "BUY" else -shares)

    @observe_llm(name="place order", as_type="tool")
    def place_order(self, symbol: str, shares: int) -> Order:
        return Order(f"paper-{next(self.numbers):04}", symbol, shares, self.market.close(symbol))
