"""A desk of voting agents on real prices: `python examples/untouched_desk/main.py`. It knows nothing of tracing."""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

# The prices, and the local server to build upon, are the trading desk's, the folder beside this one.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from src import config
from src.agents.base_agent import BaseAgent, Decision
from src.agents.housecoin_agent import HousecoinAgent
from src.agents.risk_agent import RiskAgent
from src.agents.swarm_agent import SwarmAgent
from src.agents.trend_agent import TrendAgent
from src.digest import ask_for_digest
from src.models import model_factory
from src.server import ProvidersServer
from trading_desk.prices import Market, load_market

DECISION_DAY = date(2013, 1, 25)
WORKERS = 8


def main() -> None:
    market = load_market(until=DECISION_DAY)
    with ProvidersServer() as server:
        config.use_server(server.url)
        models = [model_factory.get_model(provider) for provider in config.MODELS]
        print(f"  {len([model for model in models if model])} models, {len(market.symbols)} stocks")
        decisions = decide(market)
        for symbol in market.symbols:
            show(market, symbol, [each for each in decisions if each.symbol == symbol])
        print(f"\n  {ask_for_digest(decisions)}")
        asked = Counter(server.asked)
        each = ", ".join(f"{provider} {asked[provider]}" for provider in config.MODELS if asked[provider])
        print(f"  {asked.total()} questions asked: {each}")


def decide(market: Market) -> list[Decision]:
    """All agents on all stocks at once."""
    agents: list[BaseAgent] = [kind(market) for kind in (TrendAgent, RiskAgent, SwarmAgent, HousecoinAgent)]
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(agent.run, symbol) for symbol in market.symbols for agent in agents]
        return [future.result() for future in futures]


def show(market: Market, symbol: str, decisions: list[Decision]) -> None:
    """What each agent makes of a stock, in the order in which they were asked."""
    print(f"\n  {symbol:5} {market.close(symbol):.2f} USD")
    for name, decision in zip(("trend", "risk", "swarm", "housecoin"), decisions, strict=True):
        print(f"    {name:10} {decision.action:9} {decision.confidence:3}%  {decision.reasoning}")
        for mishap in decision.mishaps:
            print(f"    {'':10} {mishap}")


if __name__ == "__main__":
    main()
