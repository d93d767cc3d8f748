"""Small codebases, written to disk for discovery to read."""

import textwrap
from pathlib import Path

from agent_trace.discovery import Proposal, discover


def write_files(root: Path, files: dict[str, str]) -> Path:
    """Write sources by their paths below `root`; gives `root`."""
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
    return root


def proposed(root: Path, files: dict[str, str]) -> Proposal:
    """What discovery makes of these files."""
    return discover(write_files(root, files))


BASE = """
class BaseModel:
    def generate(self, prompt): raise NotImplementedError
"""


def openai_model(imported: str, base: str = "BaseModel") -> str:
    """A model that derives from `base`, which the line `imported` imports."""
    return f"""
import openai
{imported}
class OpenAIModel({base}):
    def generate(self, prompt):
        return openai.OpenAI().chat.completions.create(messages=[prompt])
"""
