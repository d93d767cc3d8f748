"""Google's Gemini, asked with urllib. It may decline to answer, which is told as a value and not raised."""

from src import config

from . import plain_http
from .base_model import BaseModel, ModelResponse


class GeminiModel(BaseModel):
    model_type = "gemini"

    def initialize_client(self) -> None:
        self.address = config.url_of("gemini", f"/v1beta/models/{self.model_name}:generateContent")

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        body = {
            "systemInstruction": {"parts": [{"text": system_prompt}]},
            "contents": [{"role": "user", "parts": [{"text": user_content}]}],
            "generationConfig": {"temperature": temperature, "maxOutputTokens": max_tokens},
        }
        answer = plain_http.post(f"{self.address}?key={self.api_key}", body)
        if not answer.get("candidates"):
            reason = answer["promptFeedback"]["blockReason"]
            return ModelResponse("", self.model_name, error=f"blocked: {reason}")
        counted = answer["usageMetadata"]
        usage = {
            "input_tokens": counted["promptTokenCount"],
            "output_tokens": counted["candidatesTokenCount"],
        }
        return ModelResponse(answer["candidates"][0]["content"]["parts"][0]["text"], self.model_name, usage)
