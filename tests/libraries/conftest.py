"""Before any library is imported: nothing of them is asked of the internet, and what is missing is named.

And the server that they all ask.
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.support.llm_server import LlmServer, llm_server

# LiteLLM fetches a table of prices when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

NEEDED = ("agno", "anthropic", "langchain_openai", "litellm", "openai", "smolagents")
_missing = [name for name in NEEDED if find_spec(name) is None]
if _missing:
    raise pytest.UsageError(
        f"tests/libraries needs {', '.join(_missing)}: pip install --editable '.[dev]' (or '.[libraries]' beside it)"
    )


@pytest.fixture(scope="module")
def server() -> Iterator[LlmServer]:
    """In the place of OpenAI and Anthropic."""
    with llm_server() as running:
        yield running
