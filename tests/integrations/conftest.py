"""What these tests switch on in LiteLLM is off again after each of them, for the tests of other files too."""

from collections.abc import Iterator

import pytest

from tests.support.llm_server import LlmServer, llm_server


@pytest.fixture(scope="module")
def server() -> Iterator[LlmServer]:
    """A model server for LiteLLM to ask, one for all tests of a file."""
    with llm_server() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_stays_in_litellm() -> Iterator[None]:
    """Take our logger out of LiteLLM."""
    yield
    from agent_trace import uninstrument_litellm

    uninstrument_litellm()
