"""DeepSeek, which speaks OpenAI's protocol and is the only one here that can be read while it writes."""

from collections.abc import Iterator

from .base_model import BaseModel, ModelResponse, messages
from .openai_model import local_client


class DeepSeekModel(BaseModel):
    model_type = "deepseek"

    def initialize_client(self) -> None:
        self.client = local_client("deepseek", self.api_key)

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        completion = self.client.chat.completions.create(
            model=self.model_name,
            messages=messages(system_prompt, user_content),
            temperature=temperature,
            max_tokens=max_tokens,
        )
        return ModelResponse(completion.choices[0].message.content, completion.model)

    def generate_stream(self, system_prompt: str, user_content: str) -> Iterator[str]:
        """The answer in pieces, from a generator that a plain function returns."""
        chunks = self.client.chat.completions.create(
            model=self.model_name, messages=messages(system_prompt, user_content), stream=True
        )
        return (chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
