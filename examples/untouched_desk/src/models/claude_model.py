"""Anthropic's Claude, asked with requests in its own protocol. Imported, as OpenRouter's, when somebody wants it."""

import requests

from src import config

from .base_model import BaseModel, ModelResponse


class ClaudeModel(BaseModel):
    model_type = "claude"

    def initialize_client(self) -> None:
        self.client = requests.Session()
        self.client.trust_env = False
        self.client.headers.update({"x-api-key": self.api_key, "anthropic-version": "2023-06-01"})

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        body = {
            "model": self.model_name,
            "system": system_prompt,
            "messages": [{"role": "user", "content": user_content}],
            "temperature": temperature,
            "max_tokens": max_tokens,
        }
        answer = self.client.post(
            config.url_of("claude", "/v1/messages"), json=body, timeout=config.TIMEOUT_S
        )
        message = answer.json()
        return ModelResponse(message["content"][0]["text"], message["model"], message["usage"])
