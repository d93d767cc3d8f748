"""Usage -> money: what a model call cost. Importing this loads no price table; the first price does."""

from agent_trace.costs.prices import Cost, pico, price, price_pico, price_source, recorded_cost

__all__ = ["Cost", "pico", "price", "price_pico", "price_source", "recorded_cost"]
