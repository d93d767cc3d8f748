"""Checked by mypy --strict: each line marked `E` is refused, and no other."""

from agent_trace import ObservabilityContext, observe_llm


@observe_llm
def ask(prompt: str) -> int:
    return len(prompt)


@observe_llm(as_type="agnet")  # E
def misspelt() -> None: ...


@observe_llm("name")  # E
def named_by_position() -> None: ...


ask(1)  # E
ask()  # E
ask("a").upper()  # E
ObservabilityContext.scope(tenant="acme")  # E
