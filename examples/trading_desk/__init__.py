"""A small trading desk of LLM agents on real prices, decorated with agent_trace: `python -m examples.trading_desk`."""
