"""How models call tools: one file for each way, and here the order in which they are asked about a model."""

from __future__ import annotations

import functools

from jupyter_localllm.tools.formats.base import Calling, Format, Reply
from jupyter_localllm.tools.formats.gemma import Gemma
from jupyter_localllm.tools.formats.harmony import Harmony
from jupyter_localllm.tools.formats.hermes import Hermes
from jupyter_localllm.tools.formats.llama3 import Llama3
from jupyter_localllm.tools.formats.mistral import Mistral, MistralNamed
from jupyter_localllm.tools.formats.plain import Plain
from jupyter_localllm.tools.formats.qwen import Qwen

__all__ = ["FORMATS", "VERSION", "Calling", "Format", "Reply", "format_of"]

FORMATS: tuple[Format, ...] = (
    Harmony(),
    Mistral(),
    MistralNamed(),
    Qwen(),
    Hermes(),
    Llama3(),
    Gemma(),
    Plain(),  # takes every template, so it stands last
)

VERSION = "2"
"""Part of the key of every answer with tools: raise it when calls come to be written or read in another way."""


@functools.lru_cache(maxsize=16)
def format_of(template: str) -> Format:
    """The format that a chat template speaks.

    Parameters
    ----------
    template : str
        Its source; empty for engines that render by themselves.

    Examples
    --------
    >>> format_of("{% for tool in tools %}… <tool_call> … tool_calls").name, format_of("").name
    ('hermes', 'plain')
    """
    return next(one for one in FORMATS if one.knows(template))
