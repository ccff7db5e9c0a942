"""Models as folders of safetensors and JSON, as Transformers and MLX keep them: found, read, judged, never loaded."""

from jupyter_localllm.models.folders.judge import describe_folder
from jupyter_localllm.models.folders.locate import hub_folder, locate_folder
from jupyter_localllm.models.folders.memory import FolderPlan, plan_folder

__all__ = ["FolderPlan", "describe_folder", "hub_folder", "locate_folder", "plan_folder"]
