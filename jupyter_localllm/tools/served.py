"""Tools for engines that take them by themselves, as servers do: told as they are, and calls come back as calls."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jupyter_localllm.tools.formats.base import Calling
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Done, Event, Message, Prompt

__all__ = ["ServedSpeech"]


@dataclass(frozen=True)
class ServedSpeech:
    """One request with tools to an engine whose `ModelInfo.tools` is true.

    Parameters
    ----------
    tools : tuple of Tool
    how : {"may", "must", "never"}
    """

    tools: tuple[Tool, ...]
    how: Calling

    @property
    def beside(self) -> tuple[str, ...]:
        """What the model reads besides the messages, for counting tokens."""
        return tuple(json.dumps(tool.spec, ensure_ascii=False) for tool in self.tools)

    @property
    def job(self) -> dict[str, Any]:
        """What a job is told besides."""
        return {"tools": tuple(tool.spec for tool in self.tools), "calling": self.how}

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The messages, calls and outcomes among them."""
        return Prompt(tuple(messages))

    def listen(self, events: Iterable[Event]) -> Generator[Event, None, None]:
        """The events as they are; calls that were not asked for are dropped."""
        for event in events:
            if isinstance(event, Done) and self.how == "never":
                yield Done(replace(event.result, calls=()))
            else:
                yield event
