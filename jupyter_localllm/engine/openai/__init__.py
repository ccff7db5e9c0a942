"""Servers that speak OpenAI's protocol, through the ``openai`` client: the backend ``openai``."""

from jupyter_localllm.engine.openai.backend import BACKEND, OpenAIBackend

__all__ = ["BACKEND", "OpenAIBackend"]
