"""What a saved turn holds, read as if somebody else had written it: the file may have been given.

Nothing that a page shows is taken from it. What is saved as JSON is read field by field, and HTML is made of that.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from jupyter_localllm.types import (
    Answer,
    CallStatus,
    Citation,
    CitationStatus,
    FinishReason,
    Locator,
    Note,
    Passage,
    Result,
    ToolCall,
    Usage,
)

__all__ = ["LONGEST_NAME", "REQUEST", "TASKS", "attachments_of", "is_path", "made_of", "names_in"]

LONGEST_NAME = 200
REQUEST = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a panel calls its request."""

TASKS = ("chat", "explain", "fix")
_MOST_NAMES = 100
_MOST_CITATIONS = 200
_FIELDS: dict[str, dict[str, type]] = {
    "variable": {"name": str},
    "cell": {"id": str, "source": str, "outputs": str},
    "error": {"source": str, "traceback": str, "variables": list},
}


def is_path(value: str) -> bool:
    """Whether this is a name, or an attribute path of names; nothing that would have to be run.

    Examples
    --------
    >>> is_path("df"), is_path("model.coef_"), is_path("for"), is_path("f()")
    (True, True, False, False)
    """
    names = value.split(".")
    return len(value) <= LONGEST_NAME and all(one.isidentifier() and not keyword.iskeyword(one) for one in names)


def names_in(values: Iterable[str]) -> list[str]:
    """Those that are names, each once and not too many.

    A panel finds them in code by their letters: there are keywords among them, and words of comments.
    """
    return [one for one in dict.fromkeys(values) if "." not in one and is_path(one)][:_MOST_NAMES]


def attachments_of(values: Any) -> tuple[dict[str, Any], ...]:
    """Those that are as docs/protocol.md has them; others are left out.

    Examples
    --------
    >>> attachments_of([{"kind": "variable"}, {"kind": "variable", "name": "df", "more": 1}])
    ({'kind': 'variable', 'name': 'df'},)
    """
    read = map(_attachment, values if isinstance(values, (list, tuple)) else ())
    return tuple(one for one in read if one is not None)


def _attachment(value: Any) -> dict[str, Any] | None:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    known = _FIELDS.get(kind) if isinstance(kind, str) else None
    if known is None or not all(isinstance(value.get(name), cls) for name, cls in known.items()):
        return None
    made = {"kind": kind, **{name: value[name] for name in known}}
    if not is_path(made.get("name", "x")) or len(made.get("id", "")) > LONGEST_NAME:
        return None
    if "variables" in made:
        if not all(isinstance(name, str) for name in made["variables"]):
            return None
        made["variables"] = names_in(made["variables"])
    return made


def made_of(text: str, saved: Any) -> Result | Answer | None:
    """The answer that `saved` tells of in the JSON of our own type; None if that is another one, or none.

    Parameters
    ----------
    text : str
        The turn's answer.
    saved : object
    """
    try:
        return _made_of(text, saved)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _made_of(text: str, saved: Any) -> Result | Answer:
    if _text(saved["text"]) != text or saved["finish_reason"] not in get_args(FinishReason):
        raise ValueError("another answer")
    result = Result(
        text,
        _text(saved["reasoning"]),
        saved["finish_reason"],
        Usage(completion_tokens=_whole(saved["usage"]["completion_tokens"])),
        model=_text(saved["model"]),
        notes=tuple(Note(_text(one["code"]), _text(one["text"])) for one in saved["notes"]),
        calls=tuple(_call(one) for one in saved.get("calls", ())),
    )
    if "passages" not in saved:
        if saved["citations"]:
            raise ValueError("citations without passages")
        return result
    if len(saved["citations"]) > _MOST_CITATIONS or len(saved["passages"]) > _MOST_CITATIONS:
        raise ValueError("more than an answer has")
    return Answer(
        text,
        tuple(_citation(one, len(text)) for one in saved["citations"]),
        tuple(_passage(one) for one in saved["passages"]),
        result,
        reading=_text(saved["reading"]),
        abstained=saved["abstained"] is True,
    )


def _call(one: Any) -> ToolCall:
    if one["status"] not in get_args(CallStatus):
        raise ValueError("no call")
    return ToolCall(_text(one["name"]), _text(one["arguments"]), _text(one["outcome"]), one["status"])


def _citation(one: Any, length: int) -> Citation:
    start, end = _whole(one["start"]), _whole(one["end"])
    if not start <= end <= length or one["status"] not in get_args(CitationStatus):
        raise ValueError("no claim of this text")
    words = (_text(one["quote"]), start, end, one["status"], _text(one["reason"]))
    return Citation(_whole(one["number"]), _text(one["source"]), _locator(one["locator"]), *words)


def _passage(one: Any) -> Passage:
    shown = tuple(tuple(_text(cell) for cell in row) for row in one["shown"])
    source, kind, text = (_text(one[name]) for name in ("source", "kind", "text"))
    return Passage(source, kind, text, _locator(one["locator"]), _text(one["sha256"]), _text(one["value"]), shown)


def _locator(one: Any) -> Locator:
    rows, lines, page = one.get("rows"), one.get("lines"), one.get("page")
    path, operation = one.get("path"), one.get("operation")
    if lines is not None and len(lines) != 2:
        raise ValueError("no lines")
    return Locator(
        None if rows is None else tuple(_whole(row) for row in rows),
        tuple(_text(column) for column in one.get("columns") or ()),
        None if lines is None else (_whole(lines[0]), _whole(lines[1])),
        None if page is None else _whole(page),
        None if path is None else _text(path),
        None if operation is None else _text(operation),
        _text(one.get("label") or ""),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise TypeError("no count")
    return value
