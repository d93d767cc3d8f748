"""The models that agents talk to: one abstract class, two that call OpenAI's API, and a factory for them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from agent_trace import observe_llm


class BaseModel(ABC):
    """A chat model: a system text and a question in, the answer's text out."""

    def __init__(self, client: openai.OpenAI, model_name: str) -> None:
        self.client = client
        self.model_name = model_name

    @abstractmethod
    def answer(self, system: str, question: str) -> str: ...

    def request(self, system: str, question: str) -> dict[str, Any]:
        return {
            "model": self.model_name,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": question}],
            "temperature": 0.2,
            "max_completion_tokens": 300,
            "response_format": {"type": "json_object"},
        }


class ChatModel(BaseModel):
    """Waits for the whole answer."""

    def answer(self, system: str, question: str) -> str:
        return self.complete(**self.request(system, question)).choices[0].message.content or ""

    @observe_llm(name="chat")
    def complete(self, **request: Any) -> ChatCompletion:
        completion: ChatCompletion = self.client.chat.completions.create(**request)
        return completion


class StreamingModel(BaseModel):
    """Reads the answer while it is being written; the token counts come after its end."""

    def answer(self, system: str, question: str) -> str:
        request = self.request(system, question)
        chunks = self.stream(**request, stream=True, stream_options={"include_usage": True})
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    @observe_llm(name="chat stream")
    def stream(self, **request: Any) -> Iterator[ChatCompletionChunk]:
        chunks: openai.Stream[ChatCompletionChunk] = self.client.chat.completions.create(**request)
        yield from chunks


class ModelFactory:
    """Makes models from a short description, as it would stand in a configuration file."""

    KINDS: dict[str, type[BaseModel]] = {"chat": ChatModel, "stream": StreamingModel}  # noqa: RUF012

    def __init__(self, client: openai.OpenAI) -> None:
        self.client = client

    def create_model(self, kind: str, model_name: str) -> BaseModel:
        if kind not in self.KINDS:
            raise ValueError(f"no kind of model is called {kind!r}; there are {', '.join(self.KINDS)}")
        return self.KINDS[kind](self.client, model_name)
