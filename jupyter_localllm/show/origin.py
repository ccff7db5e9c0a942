"""Answers that come from another machine say so, above their text."""

from __future__ import annotations

from jupyter_localllm.show.view import View

__all__ = ["origin"]


def origin(view: View) -> str:
    """Where the answer comes from, in words; empty if from this machine."""
    address = view.result.provenance.remote if view.result is not None else ""
    return f"answered by {address}, which is not on this machine" if address else ""
