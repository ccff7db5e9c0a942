"""Where models are, remembered: nobody walks through all folders for each question."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models import adapters, locate
from jupyter_localllm.models.identity import file_key
from jupyter_localllm.models.mistaken import stat_file
from jupyter_localllm.models.parts import parts_of
from jupyter_localllm.runtime.names import Names

__all__ = ["Places"]

_MOST = 1000
Find = Callable[[str, tuple[str, ...], MutableMapping[str, str]], tuple[str, Path]]


class Places:
    """Files by the names under which they were found.

    A name means the file that it meant before, as long as that file stays as it is. Another file that the name could
    mean since is seen after `forget`.

    Attributes
    ----------
    names : Names
        All names there are.
    adapters : Names
        Those of adapters.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Find, str, tuple[str, ...], str], tuple[str, Path, str]] = {}
        self.names = Names()
        memo: dict[str, str] = {}  # of headers: each is read once
        self.adapters = Names(lambda search: adapters(search, memo))

    def locate(
        self, name: str, search: tuple[str, ...], memo: MutableMapping[str, str], find: Find = locate
    ) -> tuple[str, Path]:
        """Find a model's file, or with `locate_adapter` an adapter's: see `jupyter_localllm.models.locate`."""
        key = (find, name, search, _here())
        known = self._known.get(key)
        if known is not None and _state(known[1]) == known[2]:
            return known[0], known[1]
        called, path = find(name, search, memo)
        if len(self._known) >= _MOST:
            self.forget()
        if state := _state(path):
            self._known[key] = called, path, state
        return called, path

    def forget(self) -> None:
        """Look again, the next time."""
        self._known.clear()
        self.names.forget()
        self.adapters.forget()


def _here() -> str:
    """The working directory, which names may lead from; ``""`` if it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _state(path: Path) -> str:
    try:
        return "|".join(file_key(part, stat_file(part)) for part in parts_of(path))
    except ModelFileError:
        return ""
