"""Before any library is imported: nothing of them is asked of the internet, and what is missing is named."""

import os
from importlib.util import find_spec

import pytest

# LiteLLM fetches a table of prices when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

NEEDED = ("agno", "anthropic", "langchain_openai", "litellm", "openai", "smolagents")
_missing = [name for name in NEEDED if find_spec(name) is None]
if _missing:
    raise pytest.UsageError(
        f"tests/libraries needs {', '.join(_missing)}: pip install --editable '.[dev]' (or '.[libraries]' beside it)"
    )
