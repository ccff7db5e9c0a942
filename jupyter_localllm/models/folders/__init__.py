"""Models as folders of safetensors and JSON, as Transformers and MLX keep them: found, read, judged, never loaded."""

from jupyter_localllm.models.folders.judge import describe_folder
from jupyter_localllm.models.folders.locate import locate_folder
from jupyter_localllm.models.folders.memory import plan_folder
from jupyter_localllm.models.folders.weights import read_weights
from jupyter_localllm.models.found.huggingface import kept_under

__all__ = ["describe_folder", "kept_under", "locate_folder", "plan_folder", "read_weights"]
