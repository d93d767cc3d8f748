"""Real LiteLLM that transcribes: recorded as the program gets it, whoever tells of it first."""

import asyncio
import hashlib
from typing import Any

import pytest

from agent_trace.testing import Recorded
from tests.support.litellm_calls import wait_for
from tests.support.llm_server import TRANSCRIBED, LlmServer

litellm: Any = pytest.importorskip("litellm")

SOUND = b"RIFF of a call"
COST = 0.000114
"""By LiteLLM's prices of the model: 14 tokens of sound and 3 of text."""


def asked(server: LlmServer) -> dict[str, Any]:
    address = {"api_base": server.openai_url, "api_key": "sk-none"}
    return {"model": "openai/gpt-4o-transcribe", "file": ("call.wav", SOUND), **address}


def plain(server: LlmServer) -> Any:
    return litellm.transcription(**asked(server))


def in_a_loop(server: LlmServer) -> Any:
    return asyncio.run(litellm.atranscription(**asked(server)))


@pytest.mark.parametrize("way", [plain, in_a_loop], ids=lambda way: way.__name__)
@pytest.mark.parametrize("who", ["the program", "a thread"])
def test_a_transcription_is_what_the_program_gets_whoever_tells_first(
    observations: Recorded, server: LlmServer, request: pytest.FixtureRequest, way: Any, who: str
) -> None:
    """Callbacks are told its usage in another form."""
    if who == "a thread":
        request.getfixturevalue("told_first")
    answer = way(server)
    (found,) = wait_for(observations, 1)
    assert (found.name, found.level, found.model) == (
        *("litellm.transcription", "DEFAULT"),
        "gpt-4o-transcribe",
    )
    assert found.input == {"file_checksum": hashlib.sha256(SOUND).hexdigest()}
    assert found.output["text"] == answer.text == "HOLD"
    assert found.output["usage"].items() >= TRANSCRIBED.items()
    assert found.usage == {"input": 0, "audio_input": 14, "output": 3}
    assert found.cost == {"total": COST, "currency": "USD", "source": "litellm"}
