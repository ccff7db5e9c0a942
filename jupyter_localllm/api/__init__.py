"""What programs hold: a handle on a model."""

from jupyter_localllm.api.llm import LocalLLM, PromptLike, get_llm

__all__ = ["LocalLLM", "PromptLike", "get_llm"]
