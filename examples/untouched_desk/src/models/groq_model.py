"""Groq, asked with requests. It is busy now and then, and says so with a 503."""

import requests

from src import config

from .base_model import BaseModel, ModelResponse, messages


class GroqModel(BaseModel):
    model_type = "groq"

    def initialize_client(self) -> None:
        self.client = requests.Session()
        self.client.trust_env = False
        self.client.headers["Authorization"] = f"Bearer {self.api_key}"

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        body = {
            "model": self.model_name,
            "messages": messages(system_prompt, user_content),
            "temperature": temperature,
            "max_tokens": max_tokens,
        }
        answer = self.client.post(
            config.url_of("groq", "/openai/v1/chat/completions"), json=body, timeout=config.TIMEOUT_S
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.json()['error']['message']}")
        content = answer.json()
        return ModelResponse(content["choices"][0]["message"]["content"], content["model"], content["usage"])
