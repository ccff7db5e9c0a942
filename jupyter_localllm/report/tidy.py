"""A notebook with what should be there in each place, so that readers need not ask at each step.

A saved file may come from anybody, or be damaged; nbformat tells of it, and reads on. What is not of its type counts as
not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_localllm.show.saved import encodable

__all__ = ["joined", "listed", "mapping", "tidied"]


def tidied(notebook: Mapping[str, Any]) -> dict[str, Any]:
    r"""The notebook with mappings, lists and texts where format 4 has them; values of other types are left out.

    Examples
    --------
    >>> tidied({"cells": [{"cell_type": "code", "source": ["a\n", "b"], "outputs": None}], "metadata": 3})["cells"]
    [{'cell_type': 'code', 'source': 'a\nb', 'outputs': [], 'metadata': {}, 'id': '', 'attachments': {}}]
    """
    cells = [_cell(cell) for cell in listed(notebook.get("cells")) if isinstance(cell, Mapping)]
    return {**notebook, "metadata": mapping(notebook.get("metadata")), "cells": cells}


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def joined(value: Any) -> str:
    """A text; notebooks may hold one as its lines."""
    if isinstance(value, list):
        value = "".join(line for line in value if isinstance(line, str))
    return encodable(value) if isinstance(value, str) else ""


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    metadata = mapping(cell.get("metadata"))
    if "tags" in metadata:
        metadata = {**metadata, "tags": [tag for tag in listed(metadata["tags"]) if isinstance(tag, str)]}
    return {
        **cell,
        "source": joined(cell.get("source")),
        "outputs": [_output(one) for one in listed(cell.get("outputs")) if isinstance(one, Mapping)],
        "metadata": metadata,
        "id": cell["id"] if isinstance(cell.get("id"), str) else "",
        "attachments": mapping(cell.get("attachments")),
    }


def _output(output: Mapping[str, Any]) -> dict[str, Any]:
    made = {**output, "metadata": mapping(output.get("metadata")), "data": mapping(output.get("data"))}
    if output.get("output_type") == "error":
        made["traceback"] = [line for line in listed(output.get("traceback")) if isinstance(line, str)]
    return made


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
