"""OpenRouter, asked with requests. The factory imports this module when somebody wants a model of it."""

import requests

from src import config

from .base_model import BaseModel, ModelResponse, messages


class OpenRouterModel(BaseModel):
    model_type = "openrouter"

    def initialize_client(self) -> None:
        self.client = requests.Session()
        self.client.trust_env = False

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        answer = self.client.post(
            config.url_of("openrouter", "/api/v1/chat/completions"),
            json={"model": self.model_name, "messages": messages(system_prompt, user_content)},
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=config.TIMEOUT_S,
        )
        content = answer.json()
        return ModelResponse(content["choices"][0]["message"]["content"], content["model"], content["usage"])
