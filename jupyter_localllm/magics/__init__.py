"""``%llm`` and ``%%llm``: parse, call, show.

``%load_ext jupyter_localllm`` registers them; what they need is imported when the first one runs.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics, the input transformer, the completion, ``%config LocalLLM``, and the panels' comm."""
    from jupyter_localllm import runtime
    from jupyter_localllm.api import get_llm
    from jupyter_localllm.chat import comm
    from jupyter_localllm.magics import completion, foreign, transformer
    from jupyter_localllm.magics.known import known
    from jupyter_localllm.magics.magic import LocalLLMMagics

    get_llm()
    for notice in foreign.take(shell, LocalLLMMagics(shell)):
        print(notice)
    transformer.install(shell, lambda name: foreign.owned(shell, name))
    completion.install(shell, known(shell))
    comm.install(shell)
    runtime.current().bar = functools.partial(_bar, shell)


def _bar(shell: InteractiveShell) -> AbstractContextManager[Callable[[Any], object]]:
    from jupyter_localllm.widgets.bars import bar_of

    return bar_of(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Undo all of it, unload the models and forget the conversations."""
    from jupyter_localllm import runtime
    from jupyter_localllm.chat import comm
    from jupyter_localllm.magics import completion, foreign, transformer

    comm.remove(shell)
    completion.remove(shell)
    transformer.remove(shell)
    foreign.release(shell)
    formatters = sys.modules.get("jupyter_localllm.show.formatters")
    if formatters is not None:
        formatters.unregister(shell)
    own = runtime.current().own
    shell.configurables[:] = [item for item in shell.configurables if item is not own]
    runtime.reset()
