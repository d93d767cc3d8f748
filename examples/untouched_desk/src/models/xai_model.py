"""xAI, which speaks OpenAI's protocol."""

from .base_model import BaseModel, ModelResponse, messages
from .openai_model import local_client


class XAIModel(BaseModel):
    model_type = "xai"

    def initialize_client(self) -> None:
        self.client = local_client("xai", self.api_key)

    def generate_response(
        self, system_prompt: str, user_content: str, temperature: float = 0.2, max_tokens: int = 200
    ) -> ModelResponse:
        completion = self.client.chat.completions.create(
            model=self.model_name, messages=messages(system_prompt, user_content), temperature=temperature
        )
        return ModelResponse(
            completion.choices[0].message.content, completion.model, completion.usage.model_dump()
        )
