"""What every provider's model has to do, and what it gives back."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any


@dataclass
class ModelResponse:
    """An answer; an `error` instead of one when the provider would not give any."""

    content: str
    model_name: str
    usage: dict[str, int] | None = None
    error: str | None = None


class BaseModel(ABC):
    """One model of one provider."""

    model_type = "base"

    def __init__(self, api_key: str, model_name: str) -> None:
        self.api_key = api_key
        self.model_name = model_name
        self.client: Any = None
        self.initialize_client()

    @abstractmethod
    def initialize_client(self) -> None: ...

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse | None:
        """Ask the client as most of them are asked. Every provider turned out to need a way of its own."""
        completion = self.client.chat.completions.create(
            model=self.model_name,
            messages=messages(system_prompt, user_content),
            temperature=temperature,
            max_tokens=max_tokens,
        )
        return ModelResponse(completion.choices[0].message.content, self.model_name)


def messages(system_prompt: str, user_content: str) -> list[Any]:
    """System text and question in the form that most providers took over from OpenAI."""
    return [{"role": "system", "content": system_prompt}, {"role": "user", "content": user_content}]
