"""The day in one sentence. Written in a hurry: it asks the client itself, past all models."""

from src import config
from src.agents.base_agent import Decision
from src.models.openai_model import local_client


def ask_for_digest(decisions: list[Decision]) -> str:
    """One sentence on what was decided."""
    client = local_client("openai", config.API_KEY)
    decided = "\n".join(f"{each.symbol}: {each.action}" for each in decisions)
    completion = client.chat.completions.create(
        model=config.MODELS["openai"],
        messages=[{"role": "user", "content": f"Sum up the day in one sentence.\n{decided}"}],
    )
    return completion.choices[0].message.content or ""
