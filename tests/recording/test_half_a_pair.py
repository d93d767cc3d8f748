"""Half of a surrogate pair, as models cut them off and json.loads lets them in, loses no observation."""

from typing import Any

from agent_trace import AgentTracer, observe_llm
from agent_trace.testing import recorded

HALF = "half \ud83d a pair"
SHOWN = "half ? a pair"


def test_half_a_pair_in_any_name_is_replaced_and_everything_is_kept() -> None:
    def answer(model: str, stop: str) -> dict[str, Any]:
        choice = {"finish_reason": HALF, "message": {"role": "assistant", "content": HALF}}
        return {"model": HALF, "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}

    with recorded() as observations:
        with AgentTracer().trace_agent_execution(HALF, HALF, session_id=HALF):
            observe_llm(answer, name=HALF)(HALF, stop=HALF)
    (agent,) = (each for each in observations if each.type == "agent")
    (call,) = (each for each in observations if each.type == "generation")
    assert (agent.name, agent.agent_id, agent.tenant_id, agent.session_id) == (SHOWN,) * 4
    assert (call.name, call.model, call.finish_reason) == (SHOWN,) * 3
    assert call.model_parameters == {"stop": SHOWN}
