"""A model on the user's own machine, asked with urllib. Nothing comes back when it has crashed."""

import urllib.error

from src import config

from . import plain_http
from .base_model import BaseModel, ModelResponse, messages


class OllamaModel(BaseModel):
    model_type = "ollama"

    def initialize_client(self) -> None:
        """Is it running, and has it this model?"""
        models = plain_http.get(config.url_of("ollama", "/api/tags"))["models"]
        if self.model_name not in [model["name"] for model in models]:
            raise ValueError(f"ollama has no model {self.model_name}")

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse | None:
        body = {
            "model": self.model_name,
            "messages": messages(system_prompt, user_content),
            "stream": False,
            "options": {"temperature": temperature, "num_predict": max_tokens},
        }
        try:
            answer = plain_http.post(config.url_of("ollama", "/api/chat"), body)
        except urllib.error.URLError:
            return None
        return ModelResponse(
            answer["message"]["content"],
            answer["model"],
            {"prompt_eval_count": answer["prompt_eval_count"], "eval_count": answer["eval_count"]},
        )
