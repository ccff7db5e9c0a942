"""llama.cpp through llama-cpp-python's low-level calls. The only room that imports ``llama_cpp``.

Importing this package does not import ``llama_cpp``; loading a model does.
"""

from jupyter_localllm.engine.llama.calibration import Calibration, calibrate_in_child
from jupyter_localllm.engine.llama.check import build_identity, check_in_child
from jupyter_localllm.engine.llama.engine import LlamaEngine
from jupyter_localllm.engine.llama.flags import BuildFlags, build_flags
from jupyter_localllm.engine.llama.loaded import Surroundings
from jupyter_localllm.engine.llama.settings import LlamaSettings, usable_cores
from jupyter_localllm.engine.llama.states import StateKey, StateStore

__all__ = [
    "BuildFlags",
    "Calibration",
    "LlamaEngine",
    "LlamaSettings",
    "StateKey",
    "StateStore",
    "Surroundings",
    "build_flags",
    "build_identity",
    "calibrate_in_child",
    "check_in_child",
    "usable_cores",
]
