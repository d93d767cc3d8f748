"""The models. `model_factory` is the one factory of the program, under the name of the module it comes from."""

from .base_model import BaseModel, ModelResponse
from .model_factory import model_factory

__all__ = ["BaseModel", "ModelResponse", "model_factory"]
