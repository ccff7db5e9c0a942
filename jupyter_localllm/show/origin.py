"""Answers that come from another machine say so, above their text."""

from __future__ import annotations

from jupyter_localllm.show.view import View
from jupyter_localllm.types import united

__all__ = ["elsewhere", "origin"]


def origin(view: View) -> str:
    """Where an answer comes from, in words, from its first moment on; empty if from this machine."""
    return elsewhere(united(view.remote, view.result.provenance.remote if view.result is not None else ""))


def elsewhere(addresses: str) -> str:
    """The same of addresses.

    Examples
    --------
    >>> elsewhere("https://a.org, https://b.org")
    'answered with https://a.org and https://b.org, which are not on this machine'
    """
    if not addresses:
        return ""
    *others, last = addresses.split(", ")
    verb = "are" if others else "is"
    return f"answered with {' and '.join([*others, last])}, which {verb} not on this machine"
