"""Anthropic's Claude, through its own client."""

import anthropic

from src import config

from .base_model import BaseModel, ModelResponse
from .openai_model import connections


class ClaudeModel(BaseModel):
    model_type = "claude"

    def initialize_client(self) -> None:
        self.client = anthropic.Anthropic(
            api_key=self.api_key,
            base_url=config.url_of("claude"),
            max_retries=0,
            http_client=connections(),
        )

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        message = self.client.messages.create(
            model=self.model_name,
            system=system_prompt,
            messages=[{"role": "user", "content": user_content}],
            max_tokens=max_tokens,
        )
        return ModelResponse(message.content[0].text, message.model, message.usage.to_dict())
