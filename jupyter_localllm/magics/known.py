"""The names that completion offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_localllm.magics import foreign
from jupyter_localllm.magics.completion import Known

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["known"]


def known(shell: InteractiveShell) -> Known:
    """Models on this machine, this kernel's conversations, all settings."""
    return Known(
        models=_models,
        adapters=_adapters,
        chats=_chats,
        settings=_settings,
        owned=lambda name, kind: foreign.owned(shell, name, "cell" if kind == "cell" else "line"),
    )


def _models() -> list[str]:
    from jupyter_localllm import runtime
    from jupyter_localllm.api import get_llm

    return runtime.current().places.names.of(get_llm().search)


def _adapters() -> list[str]:
    from jupyter_localllm import runtime
    from jupyter_localllm.api import get_llm

    return runtime.current().places.adapters.of(get_llm().search)


def _chats() -> list[str]:
    from jupyter_localllm.api import get_llm

    return list(get_llm().conversations)


def _settings() -> list[str]:
    from jupyter_localllm.api import LocalLLM

    return LocalLLM.setting_names()
