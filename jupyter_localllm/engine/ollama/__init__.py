"""Models of an Ollama server, through the ``ollama`` client: the backend ``ollama``."""

from jupyter_localllm.engine.ollama.backend import BACKEND, OllamaBackend

__all__ = ["BACKEND", "OllamaBackend"]
