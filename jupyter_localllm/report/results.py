"""What a cell came to, without what differs from run to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from typing import Any

from jupyter_localllm.report.collect import KeptAnswer
from jupyter_localllm.show.bundle import ANSWER_MIME

__all__ = ["Shown", "shown"]

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")  # where an object lies in memory is no result
_STYLE = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Shown:
    """An answer, or another output.

    Parameters
    ----------
    text : str
        What a reader reads.
    content : object
        What it is compared by.
    answer : KeptAnswer or None
    """

    text: str
    content: object
    answer: KeptAnswer | None = None

    @property
    def told(self) -> str:
        """What an answer rests on, in words."""
        kept = self.answer
        if kept is None or kept.kind != "answer":
            return self.text
        counts = [("supported", kept.supported), ("unsupported", kept.unsupported), ("stale", kept.stale)]
        counts.append(("unchecked", kept.unchecked))
        where = [_place(one) for one in kept.data.get("citations") or () if isinstance(one, Mapping)]
        notes = [str(one.get("text")) for one in kept.data.get("notes") or () if isinstance(one, Mapping)]
        said = ", ".join(f"{count} {status}" for status, count in counts if count) or "no citations"
        return "; ".join([said, *dict.fromkeys(filter(None, where)), *notes])


def _place(citation: Mapping[str, Any]) -> str:
    locator = citation.get("locator")
    where = [locator.get("label"), locator.get("operation")] if isinstance(locator, Mapping) else []
    return ", ".join([str(citation.get("source") or ""), *(str(one) for one in where if one)]).strip(", ")


def shown(cell: Mapping[str, Any] | None, at: int, kept: Mapping[tuple[int, int], KeptAnswer]) -> list[Shown]:
    """What stands below a cell; all that it printed is one.

    Parameters
    ----------
    cell : Mapping or None
    at : int
        The cell's index.
    kept : Mapping
        The notebook's answers by cell and output.
    """
    made: list[Shown] = []
    printed = ""
    for number, output in enumerate((cell or {}).get("outputs") or ()):
        answer = kept.get((at, number))
        if answer is not None:
            made.append(_answer(answer, output))
        elif output.get("output_type") == "stream":
            printed += _text(output.get("text")) if output.get("name") == "stdout" else ""
        elif (one := _other(output)) is not None:
            made.append(one)
    return [*made, Shown(_still(printed), _still(printed))] if printed.strip() else made


def _answer(answer: KeptAnswer, output: Mapping[str, Any]) -> Shown:
    data = output.get("data") or {}
    if answer.kind == "error":
        return Shown(answer.error or "error", answer.error, answer)
    if answer.kind == "map":
        words = _text(data.get("text/plain"))
        return Shown(words, words, answer)
    return Shown(answer.text, data.get(ANSWER_MIME), answer)


def _other(output: Mapping[str, Any]) -> Shown | None:
    if output.get("output_type") == "error":
        words = f"{output.get('ename')}: {output.get('evalue')}"
        return Shown(words, words)
    data = output.get("data")
    if not isinstance(data, Mapping):
        return None
    plain, html = (_still(_text(data.get(kind))) for kind in ("text/plain", "text/html"))
    html = " ".join(unescape(_TAG.sub(" ", _STYLE.sub("", html))).split())
    words = _still(_text(data.get("text/markdown"))) or plain or html
    pictures = {kind: _digest(data[kind]) for kind in data if kind.startswith("image/")}
    told = "; ".join(f"{kind.removeprefix('image/')} picture {digest[:8]}" for kind, digest in pictures.items())
    return Shown(told or words, (words, html, pictures))


def _still(text: str) -> str:
    return _ADDRESS.sub("0x…", text)


def _digest(content: Any) -> str:
    return sha256("".join(_text(content).split()).encode("utf-8", "replace")).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
