"""llama.cpp in a process of its own: whatever a model file does there, the kernel and its variables live."""

from jupyter_localllm.engine.process.engine import ProcessEngine

__all__ = ["ProcessEngine"]
