"""OpenInference's instrumentors: which there are, which are installed, and when a client of theirs is imported.

Found by what distributions say of themselves: neither an instrumentor nor a client is imported to look for it.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Final, NamedTuple

_GROUP: Final = "openinference_instrumentor"
_PREFIX: Final = "openinference-instrumentation-"

# The import that says that a program uses the client, and the distribution that it comes with. None: as the instrumentor.
_CLIENTS: Final[dict[str, tuple[str | None, str | None]]] = {
    "ag2": ("autogen", None),
    "autogen-agentchat": (None, None),
    "bedrock": ("boto3", "boto3"),
    "beeai": ("beeai_framework", "beeai-framework"),
    "google-adk": ("google.adk", None),
    "google-genai": ("google.genai", None),
    "guardrails": (None, "guardrails-ai"),
    "haystack": (None, "haystack-ai"),
    "langchain": ("langchain_core", "langchain-core"),
    "llama-index": ("llama_index.core", "llama-index-core"),
    "openai-agents": ("agents", None),
    "portkey": ("portkey_ai", "portkey-ai"),
    "vertexai": (None, "google-cloud-aiplatform"),
}
KNOWN: Final = (
    *_CLIENTS,
    *"agno anthropic claude-agent-sdk cohere crewai dspy groq instructor litellm mcp mistralai ollama openai".split(),
    *("smolagents", "together"),
)
_ALSO_CHANGED: Final = {"bedrock": ("botocore",), "vertexai": ("google.cloud.aiplatform",)}


class Instrumentor(NamedTuple):
    """One that is installed. `module`: the import that it waits for; `changes`: packages that it wraps functions of."""

    name: str
    version: str
    module: str
    changes: tuple[str, ...]
    entry_point: EntryPoint


def installed() -> dict[str, Instrumentor]:
    """Every instrumentor that is installed, by its name."""
    found = [_described(each) for each in entry_points(group=_GROUP)]
    return {each.name: each for each in sorted(found)}


def normal(name: str) -> str:
    """How a name is spelled here: `google_genai` is `google-genai`."""
    return name.strip().lower().replace("_", "-").removeprefix(_PREFIX)


def client_of(name: str) -> str:
    """The module of the client that an instrumentor is for."""
    return _CLIENTS.get(name, (None, None))[0] or name.replace("-", "_")


def install_command(names: list[str]) -> str:
    """What to type to have instrumentors."""
    return "pip install " + " ".join(_PREFIX + name for name in names)


def uncovered(there: dict[str, Instrumentor]) -> list[str]:
    """Names of instrumentors that are not installed although their client is."""
    return [name for name in sorted(KNOWN) if name not in there and _is_installed(name)]


def _described(found: EntryPoint) -> Instrumentor:
    own = "" if found.dist is None else normal(found.dist.name)
    name = own if own in KNOWN else normal(found.name)
    module = client_of(name)
    version = "" if found.dist is None else found.dist.version
    return Instrumentor(name, version, module, (module, *_ALSO_CHANGED.get(name, ())), found)


def _is_installed(name: str) -> bool:
    # By its distribution: a program may have an `agents` of its own.
    try:
        distribution(_CLIENTS.get(name, (None, None))[1] or name)
    except PackageNotFoundError:
        return False
    return True
