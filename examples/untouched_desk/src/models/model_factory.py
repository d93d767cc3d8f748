"""The factory: one object for the whole program, which makes a model when it is first asked for."""

import importlib
import threading

from src import config

from .base_model import BaseModel
from .deepseek_model import DeepSeekModel
from .gemini_model import GeminiModel
from .groq_model import GroqModel
from .ollama_model import OllamaModel
from .openai_model import OpenAIModel
from .xai_model import XAIModel

CLASSES: dict[str, type[BaseModel]] = {
    "openai": OpenAIModel,
    "deepseek": DeepSeekModel,
    "groq": GroqModel,
    "gemini": GeminiModel,
    "ollama": OllamaModel,
    "xai": XAIModel,
}
# Imported when they are wanted: not everybody has the packages that they need.
OPTIONAL = {
    "claude": "src.models.claude_model.ClaudeModel",
    "openrouter": "src.models.openrouter_model.OpenRouterModel",
}


class ModelFactory:
    """Makes models by the name of their provider, and keeps them."""

    def __init__(self) -> None:
        self._models: dict[str, BaseModel | None] = {}
        self._lock = threading.Lock()

    def get_model(self, provider: str) -> BaseModel | None:
        """The model of a provider; None when its package is not installed or it does not answer."""
        with self._lock:
            if provider not in self._models:
                self._models[provider] = self._make(provider)
            return self._models[provider]

    def _make(self, provider: str) -> BaseModel | None:
        try:
            return self._class(provider)(config.API_KEY, config.MODELS[provider])
        except (ImportError, OSError, ValueError) as problem:
            print(f"  no {provider}: {problem}")
            return None

    def _class(self, provider: str) -> type[BaseModel]:
        if provider in CLASSES:
            return CLASSES[provider]
        module_name, _, class_name = OPTIONAL[provider].rpartition(".")
        model_class: type[BaseModel] = getattr(importlib.import_module(module_name), class_name)
        return model_class


model_factory = ModelFactory()
