"""llama.cpp through llama-cpp-python's low-level calls. The only room that imports ``llama_cpp``.

Importing this package does not import ``llama_cpp``; loading a model does.
"""

from jupyter_localllm.engine.llama.check import build_identity, check_in_child
from jupyter_localllm.engine.llama.engine import LlamaEngine
from jupyter_localllm.engine.llama.settings import LlamaSettings
from jupyter_localllm.engine.llama.states import StateKey, StateStore

__all__ = ["LlamaEngine", "LlamaSettings", "StateKey", "StateStore", "build_identity", "check_in_child"]
