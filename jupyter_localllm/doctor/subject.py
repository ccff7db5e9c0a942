"""What is looked at."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.doctor.report import Finding

__all__ = ["Check", "Subject", "pip"]


@dataclass(frozen=True)
class Subject:
    """What the doctor is given.

    Parameters
    ----------
    settings : Settings
        The traits of the handle that is looked at; checks that are made without one do not ask for it.
    cache : AnswerCache
        Its answer cache.
    find : callable
        From a model's name to a phrase that says what it is; contacts nobody.
    kernel : object or None
        The ipykernel that this runs in; None outside of one.
    quick : bool
        Leave out what takes more than a second: the one-token check.
    """

    settings: Any
    cache: Any
    find: Callable[[str], str]
    kernel: Any = None
    quick: bool = False

    def is_served(self, model: str) -> bool:
        """Whether a name means a backend's model (``"ollama:llama3.2:3b"``) and no file."""
        from jupyter_localllm.engine.backends import BackendSettings, target_of
        from jupyter_localllm.errors import LocalLLMError

        try:
            return target_of(model, BackendSettings()) is not None
        except LocalLLMError:  # a backend without a name
            return True


Check = Callable[[Subject], "Iterable[Finding]"]


def pip(*requirements: str, cmake: str = "", again: bool = False, python: str = sys.executable) -> str:
    """The command that installs packages.

    Parameters
    ----------
    *requirements : str
    cmake : str
        ``CMAKE_ARGS`` for a package that is compiled.
    again : bool
        Also if it is there; compiled anew.
    python : str
        The interpreter of the environment; that of this process, if not given.
    """
    how = ["--force-reinstall", "--no-deps", "--no-cache-dir"] if again else []
    words = [python, "-m", "pip", "install", *how, *requirements]
    if sys.platform == "win32":
        line = " ".join(f'"{word}"' if " " in word or ">" in word else word for word in words)
        return f'set "CMAKE_ARGS={cmake}" && {line}' if cmake else line
    return (f'CMAKE_ARGS="{cmake}" ' if cmake else "") + shlex.join(words)
