"""Models from folders in this process: Transformers on PyTorch, and MLX.

What both share stands here once: the tokenizer, the choice of tokens, taking turns, prefixes. The only place that
imports ``torch``, ``transformers``, ``tokenizers`` and ``mlx``; all of them when a model is loaded.
"""

from jupyter_localllm.engine.inprocess.engine import FolderEngine
from jupyter_localllm.engine.inprocess.mlx import open_mlx
from jupyter_localllm.engine.inprocess.network import Library, Network, Planner
from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.engine.inprocess.torch import open_transformers

__all__ = ["FolderEngine", "FolderSettings", "Library", "Network", "Planner", "open_mlx", "open_transformers"]
