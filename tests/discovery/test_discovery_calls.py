"""Direct calls of clients, the functions around them, and factories."""

from pathlib import Path

import pytest

from tests.support.codebases import proposed

CALLS = [
    ("from openai import OpenAI", "OpenAI().chat.completions.create(model='m')", "openai"),
    ("import openai", "openai.responses.create(model='m')", "openai"),
    ("import openai", "openai.ChatCompletion.create(model='m')", "openai"),
    ("import anthropic", "client.messages.create(model='m')", "anthropic"),
    ("import litellm", "litellm.completion(model='m')", "litellm"),
    ("from litellm import acompletion as ask_it", "ask_it(model='m')", "litellm"),
    ("import google.generativeai as genai", "model.generate_content('x')", "google"),
    ("import ollama", "ollama.chat(model='m')", "ollama"),
    ("from groq import Groq", "Groq().chat.completions.create(model='m')", "groq"),
    ("from langchain_openai import ChatOpenAI", "llm.invoke('x')", "langchain"),
    ("import requests", "requests.post(f'{host}/v1/chat/completions', json={})", "http"),
]


@pytest.mark.parametrize(("imported", "call", "provider"), CALLS, ids=[call for _, call, _ in CALLS])
def test_a_direct_call_is_counted_with_file_line_and_provider(
    tmp_path: Path, imported: str, call: str, provider: str
) -> None:
    found = proposed(
        tmp_path, {"a/b.py": f"{imported}\n\ndef work(client, model, llm, host):\n    x = {call}\n"}
    )
    (direct,) = found.bypassing
    assert (direct.provider, direct.path, direct.line, direct.within) == (provider, "a/b.py", 4, "work")
    assert found.providers == {provider: 1}


@pytest.mark.parametrize(
    "call",
    [
        "db.messages.delete(1)",
        "chat.send('x')",
        "requests.post('http://x/orders')",
        "model.invoke(1)",
        "a.b.create()",
    ],
)
def test_other_calls_are_not(tmp_path: Path, call: str) -> None:
    assert (
        proposed(
            tmp_path, {"m.py": f"import requests\ndef work(db, chat, model, a):\n    return {call}\n"}
        ).direct_calls
        == []
    )


def test_calls_inside_models_and_what_these_call_on_themselves_do_not_bypass(tmp_path: Path) -> None:
    source = """
        import openai
        class BaseModel:
            def generate(self, prompt): return self._ask(prompt)
        class Some(BaseModel):
            def _ask(self, prompt): return openai.OpenAI().chat.completions.create(messages=[])
            def warm_up(self): openai.OpenAI().chat.completions.create(messages=[])
        openai.OpenAI().chat.completions.create(messages=[])
    """
    found = proposed(tmp_path, {"m.py": source})
    assert found.instrument == ["m:BaseModel.generate"]
    assert [(each.line, each.within) for each in found.bypassing] == [(8, ""), (7, "Some.warm_up")]


def test_a_function_that_is_a_question_and_its_answer_is_proposed_and_one_that_does_more_is_not(
    tmp_path: Path,
) -> None:
    source = """
        import openai
        client = openai.OpenAI()
        def ask_gpt(prompt): return client.chat.completions.create(messages=[prompt])
        def trade(): client.chat.completions.create(messages=[])
        def chat_forever():
            while True:
                client.chat.completions.create(messages=[])
            return 1
        class TweetAgent:
            def generate_tweets(self): return client.chat.completions.create(messages=[])
    """
    found = proposed(tmp_path, {"m.py": source})
    assert found.instrument == ["m:ask_gpt", "m:TweetAgent.generate_tweets=generation"]
    assert [each.within for each in found.bypassing] == ["trade", "chat_forever"]


FACTORY = """
    import importlib
    import openai
    from langchain_openai import ChatOpenAI
    class BaseModel:
        def generate(self, prompt): return openai.OpenAI().chat.completions.create(messages=[])
    class One(BaseModel): ...
    KINDS = {"one": One}
    class Models:
        def create_model(self, kind): return KINDS[kind]()
        @classmethod
        def of(cls): return cls()
    def get_model(kind) -> BaseModel: return getattr(importlib.import_module("x"), kind)()
    def load_model(kind): return getattr(importlib.import_module("x"), kind)()
    def make_llm(): return ChatOpenAI()
    def get_model_name(): return "one"
"""


def test_factories_say_what_they_make_and_only_those_that_make_something_else_are_to_be_attached(
    tmp_path: Path,
) -> None:
    found = proposed(tmp_path, {"m.py": FACTORY})
    made = {each.entry: (each.makes, each.needed) for each in found.factories}
    assert made == {
        "m:get_model": (("BaseModel",), False),
        "m:load_model": ((), True),
        "m:make_llm": (("ChatOpenAI",), True),
        "m:Models.create_model": (("One",), False),
    }
    assert found.instrument == ["m:BaseModel.generate", "m:load_model", "m:make_llm"]
