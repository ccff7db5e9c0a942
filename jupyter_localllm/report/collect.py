"""The answers of a notebook, read back: which cell, which question, what was said, and what stands behind it.

Everything is read from the saved file: the outputs' metadata (``jupyter_localllm``, see ``provenance.schema.json``) and
our own JSON type. A file may come from anybody, so nothing of it is taken on trust: what is not as we write it is left
out, and counts as not said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from jupyter_localllm.errors import DependencyMissing, UsageError
from jupyter_localllm.report.needed import EXTRA
from jupyter_localllm.report.tidy import joined, listed, mapping, tidied
from jupyter_localllm.show.bundle import ANSWER_MIME, METADATA_KEY

__all__ = ["KeptAnswer", "collect", "collected", "read_notebook", "to_frame"]

# What a cell says itself, for notebooks whose outputs do not say it.
_CELL = re.compile(r"\A\s*%%(?:llm|localllm)\b[ \t]*(?P<line>[^\n]*)\n?(?P<body>.*)\Z", re.DOTALL)
_TARGET = re.compile(r"\A\s*(?P<name>[^\W\d]\w*)\s*<<")
_BROKEN = ("error", "interrupted")


@dataclass(frozen=True)
class KeptAnswer:
    """An answer as a saved notebook holds it. What the notebook does not say is None.

    Parameters
    ----------
    cell : int
        0-based index of the cell.
    cell_id : str
        Its id; empty in notebooks older than format 4.5.
    name : str or None
        The variable that the answer was bound to.
    question : str or None
        As typed, with its ``{{ }}``; short values of ``{{ }}`` stand in their place where the output says them.
    text : str
        The answer; of a map its outcome in a line; empty for an error.
    record : Mapping
        The output's metadata under ``jupyter_localllm``, whole.
    model : str or None
    seed : int or None
    cached : bool or None
        Whether it came from the cache; of a map, whether all rows that were to be asked did. None also where the model
        was not asked.
    supported, unsupported, unchecked, stale : int
        Citations of each status; 0 for answers without sources.
    abstained : bool
        Whether it says that the sources do not answer the question.
    error : str or None
        Why there is no answer, or not all of it.
    seconds : float or None
        What it took in that run.
    kind : {"answer", "map", "error"}
    output : int
        0-based index of the output in its cell.
    data : Mapping
        The JSON of our own type; empty for maps and errors.
    """

    cell: int
    cell_id: str
    name: str | None
    question: str | None
    text: str
    record: Mapping[str, Any] = field(repr=False)
    model: str | None = None
    seed: int | None = None
    cached: bool | None = None
    supported: int = 0
    unsupported: int = 0
    unchecked: int = 0
    abstained: bool = False
    error: str | None = None
    seconds: float | None = None
    stale: int = 0
    kind: str = "answer"
    output: int = 0
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


def collect(notebook: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[KeptAnswer, ...]:
    """The answers of a notebook, in its order.

    Answers of ``%%llm``, ``%llm`` and ``llm.ask`` that are shown count, typed ones, turns of chats, maps, and errors
    that were recorded (``--on-error record``).

    Parameters
    ----------
    notebook : path, NotebookNode or Mapping
        A notebook of format 4, or a file that holds one of any format.

    Returns
    -------
    tuple of KeptAnswer

    Raises
    ------
    UsageError
        There is no such file, or it is no notebook.
    DependencyMissing
        nbformat is not installed.
    """
    return collected(tidied(read_notebook(notebook)))


def collected(notebook: Mapping[str, Any]) -> tuple[KeptAnswer, ...]:
    """The answers of a notebook that is `tidied`."""
    return tuple(answer for index, cell in enumerate(notebook["cells"]) for answer in _of_cell(index, cell))


def to_frame(answers: Iterable[KeptAnswer]) -> Any:
    """The answers as a frame of pandas, a row for each.

    Parameters
    ----------
    answers : iterable of KeptAnswer

    Returns
    -------
    pandas.DataFrame
        A column for each field but ``data``.
    """
    import pandas as pd

    columns = [one.name for one in fields(KeptAnswer) if one.name != "data"]
    frame = pd.DataFrame([[getattr(answer, name) for name in columns] for answer in answers], columns=columns)
    kinds = {"seed": "Int64", "cached": "boolean", "seconds": "Float64"}  # these know a missing value
    return frame.astype(kinds)


def read_notebook(notebook: str | os.PathLike[str] | Mapping[str, Any]) -> Any:
    """A notebook as a `NotebookNode` of format 4, whatever it was given as.

    Raises
    ------
    UsageError
        There is no such file, or it is no notebook.
    DependencyMissing
        nbformat is not installed.
    """
    with DependencyMissing.unless_imported("reading notebooks needs nbformat", EXTRA):
        import nbformat
    if isinstance(notebook, nbformat.NotebookNode):
        return notebook
    if isinstance(notebook, Mapping):
        return nbformat.from_dict(dict(notebook))  # type: ignore[no-untyped-call]
    path = Path(notebook)
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", "Name a notebook (.ipynb).") from None
    except Exception as error:  # nbformat raises what its readers raise
        raise UsageError(f"{path} is no notebook: {type(error).__name__}", "Name a notebook (.ipynb).") from None


def _of_cell(index: int, cell: Mapping[str, Any]) -> Iterator[KeptAnswer]:
    if cell.get("cell_type") != "code":
        return
    name, question = _said(joined(cell.get("source")))
    for number, output in enumerate(cell.get("outputs") or ()):
        answer = _of_output(output)
        if answer is None:
            continue
        values = {"name": name, "question": question} | {k: v for k, v in answer.items() if v is not None}
        yield KeptAnswer(cell=index, cell_id=str(cell.get("id") or ""), output=number, **values)


def _said(source: str) -> tuple[str | None, str | None]:
    """The name and the question of a ``%%llm`` cell, as its author typed them."""
    found = _CELL.match(source)
    if found is None:
        return None, None
    target = _TARGET.match(found["line"])
    return target["name"] if target else None, found["body"].strip() or None


def _of_output(output: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an output says of an answer; None if it holds none."""
    record = mapping(mapping(output.get("metadata")).get(METADATA_KEY))
    data = mapping(output.get("data"))
    if "error" in record:
        return {**_common(record), "kind": "error", "text": "", "error": _error_of(mapping(record["error"]))}
    if "rows" in record:
        return _of_map(record, joined(data.get("text/plain")))
    told = data.get(ANSWER_MIME)
    return _of_answer(record, told) if record and isinstance(told, Mapping) else None


def _common(record: Mapping[str, Any]) -> dict[str, Any]:
    """What all kinds have."""
    return {
        "record": record,
        "name": _words(record.get("name")),
        "question": _words(record.get("question")),
        "model": _words(record.get("model")),
        "seed": _whole(mapping(record.get("sampling")).get("seed")),
    }


def _of_answer(record: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    volatile = mapping(record.get("volatile"))
    latency = _number(mapping(volatile.get("timings")).get("latency_ms"))
    said = [mapping(one).get("status") for one in listed(told.get("citations"))]
    notes = [mapping(one) for one in listed(told.get("notes"))]
    broken = [_words(one.get("text")) for one in notes if one.get("code") in _BROKEN]
    common = _common(record)
    return {
        **common,
        "model": common["model"] or _words(told.get("model")),
        "text": joined(told.get("text")),
        "data": told,
        "cached": volatile.get("cached") is True if volatile and record.get("key") else None,
        "seconds": None if latency is None else round(latency / 1000, 3),
        "abstained": told.get("abstained") is True,
        "error": next((text for text in broken if text), None),
        **{status: said.count(status) for status in ("supported", "unsupported", "unchecked", "stale")},
    }


def _of_map(record: Mapping[str, Any], plain: str) -> dict[str, Any]:
    volatile = mapping(record.get("volatile"))
    rows, failed = _whole(record.get("rows")), _whole(record.get("failed"))
    first = mapping(next(iter(listed(record.get("errors"))), None))
    more = f"{failed:,} of {rows:,} rows failed; the first: {first.get('message', '')}" if failed and rows else None
    return {
        **_common(record),
        "kind": "map",
        "text": plain.partition("\n")[0],
        "cached": _is_cached(rows or 0, failed or 0, volatile),
        "seconds": _number(volatile.get("seconds")),
        "error": more,
    }


def _is_cached(rows: int, failed: int, volatile: Mapping[str, Any]) -> bool | None:
    """Whether all rows that a model was to answer came from the cache; None if there were none, or it is not said."""
    cached, asked = _whole(volatile.get("cached")), _whole(volatile.get("asked"))
    if cached is None or not rows:
        return None
    if asked is None:  # by an earlier version
        return cached == rows
    return not asked and not failed if cached or asked or failed else None


def _error_of(facts: Mapping[str, Any]) -> str:
    kind, message = (_words(facts.get(name)) or "" for name in ("type", "message"))
    return f"{kind}: {message}".strip(": ") or "error"


# ---------------------------------------------------------------------------------------------------------------------
# What a file of somebody else may hold in the place of what we write


def _words(value: Any) -> str | None:
    return joined(value) or None if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
