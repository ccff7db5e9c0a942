"""What a worker is told: how the model is held there, and how rows are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.batch.run import Ask

__all__ = ["Work"]


@dataclass(frozen=True)
class Work:
    """The settings and options of a map, to be sent; nothing of it is loaded.

    Parameters
    ----------
    make : callable
        Makes a handle from settings, as `jupyter_localllm.LocalLLM` does. Functions are sent by their names, so the
        workers need the same package.
    settings : Mapping
        What decides the answers, and what a person set of the rest; paths and sizes are each machine's own otherwise.
    ask : callable
        Gives a context of an `Ask` for a handle and options.
    options : Mapping
        Of the map's questions.
    width : int
        Rows that a worker asks at the same time.
    adapter_sha256 : str
        Of the adapter as this machine has it; empty without one.
    neighbours : Mapping of str to int
        Workers by host: they share its processor.
    """

    make: Callable[..., Any]
    settings: Mapping[str, Any]
    ask: Callable[[Any, Mapping[str, Any]], AbstractContextManager[Ask]] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    width: int = 1
    adapter_sha256: str = ""
    neighbours: Mapping[str, int] = field(default_factory=dict)
