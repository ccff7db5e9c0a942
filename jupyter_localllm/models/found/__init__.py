"""Which model files lie on this machine: our folders, and those of other programs. Nothing is written anywhere.

A place is one file with a function that yields a `Spot` for each model, and one entry of `PLACES`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from jupyter_localllm.config.reach import reachable
from jupyter_localllm.models.found import folders, gpt4all, huggingface, llamacpp, lmstudio, ollama
from jupyter_localllm.models.found.base import Allowance, Machine, Spot, is_model_name, stem

__all__ = ["PLACES", "Machine", "Spot", "is_model_name", "spots", "stem", "too_large"]

PLACES: Final[Mapping[str, Callable[[Machine], Iterator[Spot]]]] = MappingProxyType(
    {
        "@huggingface": huggingface.spots,
        "@lmstudio": lmstudio.spots,
        "@llama.cpp": llamacpp.spots,
        "@gpt4all": gpt4all.spots,
        "@ollama": ollama.spots,
    }
)
"""Folders of other programs, by the word that stands for them in a list of folders."""


def spots(search: Sequence[str | os.PathLike[str]], machine: Machine | None = None) -> Iterator[Spot]:
    """Yield the model files of folders and places; a file comes once for each name that it has.

    Parameters
    ----------
    search : sequence of paths
        Folders, and words of `PLACES`.
    machine : Machine, optional
        This one if not given.
    """
    machine = machine or Machine()
    seen: set[tuple[str, str]] = set()
    for where in search:
        place = PLACES.get(os.fspath(where))
        if place is None and not reachable(os.path.expanduser(where)):
            continue
        here = replace(machine, allowance=Allowance())
        with contextlib.suppress(OSError):  # what cannot be looked at hides no other place
            for spot in folders.spots(where, here) if place is None else place(here):
                known = (os.path.realpath(spot.path), spot.name)
                if known not in seen:
                    seen.add(known)
                    yield spot


def too_large(search: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Name those of the folders that hold too much to be looked at as a whole."""
    found = []
    for where in search:
        if os.fspath(where) not in PLACES and reachable(os.path.expanduser(where)):
            machine = Machine()
            for _ in folders.spots(where, machine):
                pass
            if machine.allowance.left < 0:
                found.append(os.fspath(where))
    return found
