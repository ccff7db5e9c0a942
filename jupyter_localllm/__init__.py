"""A language model inside the notebook's kernel.

``%load_ext jupyter_localllm`` gives ``%%llm`` and ``%llm``; programs use `LocalLLM` and `get_llm`.
Importing this package is cheap: nothing heavy is imported before it is used, and ``llama_cpp`` not before a model
loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_localllm._version import __version__

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM, get_llm
    from jupyter_localllm.batch import tasks
    from jupyter_localllm.magics import load_ipython_extension, unload_ipython_extension
    from jupyter_localllm.tools.mark import tool

__all__ = ["LocalLLM", "__version__", "get_llm", "load_ipython_extension", "tasks", "tool", "unload_ipython_extension"]

_HOMES = {
    "LocalLLM": "api",
    "get_llm": "api",
    "load_ipython_extension": "magics",
    "tasks": "batch",
    "tool": "tools.mark",
    "unload_ipython_extension": "magics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab finds the prebuilt extension of an editable install."""
    return [{"src": "labextension", "dest": "jupyter-localllm"}]
