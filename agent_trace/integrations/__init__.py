"""Libraries that are observed through hooks of their own: LiteLLM, and FastAPI with every other ASGI framework.

Nothing here imports one of them before it is asked for.
"""
