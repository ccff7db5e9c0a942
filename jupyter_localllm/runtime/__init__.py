"""What is resident in this kernel: engines, caches, conversations.

``current()`` gives it, ``reset()`` puts everything away: the only room of the package with a memory.
"""

from jupyter_localllm.runtime.backend import BackendModel
from jupyter_localllm.runtime.model import EngineModel, FileModel
from jupyter_localllm.runtime.prepare import ModelSpec
from jupyter_localllm.runtime.shared import Runtime, current, file_of, reset

__all__ = ["BackendModel", "EngineModel", "FileModel", "ModelSpec", "Runtime", "current", "file_of", "reset"]
