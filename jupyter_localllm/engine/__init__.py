"""What answers: one protocol, several engines."""

from jupyter_localllm.engine.base import Engine

__all__ = ["Engine"]
