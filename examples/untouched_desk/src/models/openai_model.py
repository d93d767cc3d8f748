"""OpenAI, through its own client."""

import functools

import openai

from src import config

from .base_model import BaseModel, ModelResponse, messages


class OpenAIModel(BaseModel):
    model_type = "openai"

    def initialize_client(self) -> None:
        self.client = local_client("openai", self.api_key)

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        completion = self.client.chat.completions.create(
            model=self.model_name,
            messages=messages(system_prompt, user_content),
            temperature=temperature,
            max_tokens=max_tokens,
        )
        return ModelResponse(
            completion.choices[0].message.content, completion.model, completion.usage.model_dump()
        )


def local_client(provider: str, api_key: str) -> openai.OpenAI:
    """A client that asks nobody but the local server, and leaves asking again to the agents."""
    return openai.OpenAI(
        api_key=api_key, base_url=config.url_of(provider, "/v1"), max_retries=0, http_client=connections()
    )


@functools.cache
def connections() -> openai.DefaultHttpxClient:
    """What all of these clients share: making one takes longer than most questions."""
    return openai.DefaultHttpxClient(trust_env=False)
