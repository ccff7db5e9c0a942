"""Outputs made by hand, and the cells that publish them: what the kernel's half sends, in the hands of a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

MIME = "application/vnd.jupyter-localllm.answer+json"


def bundle(html: str, text: str = "The answer.", **values: Any) -> dict[str, Any]:
    """The data of an output as the kernel publishes it."""
    answer = {
        "version": 1,
        "text": text,
        "reasoning": "",
        "format": "markdown",
        "finish_reason": "stop",
        "model": "smollm2-135m-instruct",
        "usage": {"prompt_tokens": 31, "completion_tokens": 142},
        "notes": [],
        "citations": [],
        **values,
    }
    return {"text/html": html, "text/markdown": text, "text/plain": text, MIME: answer}


def metadata(*, cached: bool = False, tokens_per_second: float = 101.7, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The metadata of an output: only what the renderer reads."""
    timings = {"tokens_per_second": tokens_per_second, "ttft_ms": 84.0, "latency_ms": 1520.0}
    usage = {"prompt_tokens": 31, "completion_tokens": 142, "cached_prompt_tokens": 25}
    told = [{"code": "cache", "text": note} for note in notes]
    return {"jupyter_localllm": {"volatile": {"cached": cached, "timings": timings, "usage": usage, "notes": told}}}


def publish(data: dict[str, Any], meta: dict[str, Any]) -> str:
    """A cell that publishes an output."""
    return (
        f"from IPython.display import display\nhandle = display({data!r}, metadata={meta!r}, raw=True, display_id=True)"
    )


def update(data: dict[str, Any], meta: dict[str, Any]) -> str:
    """A cell that changes that output."""
    return f"handle.update({data!r}, metadata={meta!r}, raw=True)"


def saved(data: dict[str, Any], meta: dict[str, Any]) -> nbformat.NotebookNode:
    """A notebook file with that output, from somebody else: JupyterLab does not trust it."""
    cell = new_code_cell("%%llm\nA question", outputs=[new_output("display_data", data=data, metadata=meta)])
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=[cell], metadata={"kernelspec": spec})


def streaming(html: str, text: str) -> dict[str, Any]:
    return bundle(html, text, finish_reason=None)
