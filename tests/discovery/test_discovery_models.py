"""Models: which methods are proposed, how many classes override them, and what is left alone."""

from pathlib import Path

import pytest

from tests.support.codebases import BASE, openai_model, proposed


def entries(found) -> list[str]:
    return [each.entry for each in found.models]


@pytest.mark.parametrize(
    ("how", "files"),
    [
        ("absolute", {"desk/models/some.py": openai_model("from desk.models.base import BaseModel")}),
        ("relative", {"desk/models/some.py": openai_model("from .base import BaseModel")}),
        (
            "two up",
            {
                "desk/models/more/__init__.py": "",
                "desk/models/more/some.py": openai_model("from ..base import BaseModel"),
            },
        ),
        (
            "re-exported",
            {
                "desk/models/__init__.py": "from .base import *",
                "desk/some.py": openai_model("from desk.models import BaseModel"),
            },
        ),
        (
            "another name",
            {
                "desk/models/__init__.py": "from .base import BaseModel as Root\nChat = Root",
                "desk/some.py": openai_model("from desk.models import Chat as Base", "Base"),
            },
        ),
        ("by module", {"desk/some.py": openai_model("import desk.models.base as b", "b.BaseModel")}),
        (
            "by package",
            {"desk/some.py": openai_model("import desk.models.base", "desk.models.base.BaseModel")},
        ),
    ],
)
def test_a_base_is_found_however_it_was_imported(tmp_path: Path, how: str, files: dict[str, str]) -> None:
    files = {"desk/__init__.py": "", "desk/models/__init__.py": "", "desk/models/base.py": BASE, **files}
    found = proposed(tmp_path, files)
    assert entries(found) == ["desk.models.base:BaseModel.generate"], found.unreadable
    assert (found.models[0].overrides, found.models[0].subclasses) == (1, 1)


def test_a_base_beside_the_package_is_found_where_imports_start(tmp_path: Path) -> None:
    files = {"src/base.py": BASE, "src/more/some.py": openai_model("from base import BaseModel")}
    assert entries(proposed(tmp_path, files)) == ["base:BaseModel.generate"]


def test_only_the_class_that_declares_a_method_first_is_proposed_with_the_number_of_overrides(
    tmp_path: Path,
) -> None:
    classes = "".join(
        f"\nclass Model{n}(Middle):\n    def generate(self, prompt): return 1\n" for n in range(5)
    )
    source = (
        "import openai\nclass BaseModel:\n    def generate(self, prompt): ...\nclass Middle(BaseModel): ...\n"
        + classes
    )
    (model,) = proposed(tmp_path, {"models.py": source}).models
    assert (model.entry, model.overrides, model.subclasses) == ("models:BaseModel.generate", 5, 6)
    assert (model.path, model.line) == ("models.py", 3)


def test_a_method_that_only_passes_on_to_another_is_not_proposed(tmp_path: Path) -> None:
    source = """
        import anthropic
        class ClaudeModel:
            def chat(self, messages): return self.complete(messages)
            def complete(self, messages): return anthropic.Anthropic().messages.create(messages=messages)
    """
    assert entries(proposed(tmp_path, {"m.py": source})) == ["m:ClaudeModel.complete"]


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nclass Worker(threading.Thread):\n    def run(self): ...",
        "class Chart:\n    def generate(self, prices): return 1",
        "class Orders:\n    def complete(self, order): return 1\n    def query(self, text): return 2",
        "import openai\nclass SpreadModel:\n    def predict(self, prices): return 1",
        "from pydantic import BaseModel\nclass Order(BaseModel):\n    def request(self, text): return 1",
        "import openai\nfrom typing import Protocol\nclass Model(Protocol):\n    def generate(self, prompt): ...",
        "import openai\ndef f():\n    class Model:\n        def generate(self, prompt): return 1",
        "class LLM:\n    @property\n    def chat(self, prompt): return 1",
    ],
)
def test_what_asks_no_model_is_left_alone(tmp_path: Path, source: str) -> None:
    assert proposed(tmp_path, {"m.py": source}).instrument == []


def test_what_is_decorated_already_is_not_proposed(tmp_path: Path) -> None:
    source = """
        import openai
        from agent_trace import observe_llm
        class ChatModel:
            @observe_llm
            def complete(self, prompt): return openai.OpenAI().chat.completions.create(messages=[])
            def answer(self, prompt): return self.complete(prompt)
    """
    found = proposed(tmp_path, {"m.py": source})
    assert found.instrument == [] and found.bypassing == []


def test_classes_that_derive_from_one_another_in_a_circle_end_the_search(tmp_path: Path) -> None:
    source = "import openai\nclass A(B):\n    def generate(self, prompt): ...\nclass B(A): ...\nX = Y\nY = X\nclass C(X): ..."
    proposed(tmp_path, {"m.py": source})


def test_agents_are_proposed_by_their_outermost_method(tmp_path: Path) -> None:
    source = """
        class BaseAgent:
            def run(self, symbol): return self.analyze(symbol)
            def analyze(self, symbol): ...
        class Trend(BaseAgent):
            def analyze(self, symbol): ...
        class LoneAgent:
            def run(self):
                while True:
                    self.run_cycle()
            def run_cycle(self): ...
        class AgentConfig:
            def run(self): ...
    """
    found = proposed(tmp_path, {"agents.py": source})
    assert [each.entry for each in found.agents] == ["agents:BaseAgent.run", "agents:LoneAgent.run_cycle"]


def test_an_agent_without_the_word_in_its_name_says_that_it_is_one(tmp_path: Path) -> None:
    source = "from crew import Agent\nclass Trader(Agent):\n    def act(self): ...\ndef risk_agent(state): return state"
    assert proposed(tmp_path, {"a.py": source}).instrument == ["a:risk_agent", "a:Trader.act=agent"]
