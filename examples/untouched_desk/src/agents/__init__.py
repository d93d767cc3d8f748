"""The agents that ask the models."""
