"""Outputs of cells that are no answers: pictures, tables, text, errors."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from jupyter_localllm.report.page.sanitize import as_pre, is_blank, sanitized
from jupyter_localllm.report.page.words import markdown
from jupyter_localllm.report.tidy import joined, mapping
from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.saved import encodable

__all__ = ["Block", "output"]

_PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
_LONGEST = 100_000
_NO_SCRIPT = Markup("<p><em>Something interactive stands here in the notebook; this page runs no scripts.</em></p>")


@dataclass(frozen=True)
class Block:
    """A part of the page.

    Parameters
    ----------
    kind : {"words", "figure", "table", "text", "error", "code", "answer"}
    body : Markup
    title : str
        Of an error its name and message; of folded code what it is called.
    answer : object
        The `Told` of an answer.
    open : bool
        Whether code is shown at once.
    """

    kind: str
    body: Markup = field(default_factory=Markup)
    title: str = ""
    answer: Any = None
    open: bool = False


def output(one: Mapping[str, Any], *, code: bool) -> Block | None:
    """An output as a part of the page; None if there is nothing to show.

    Parameters
    ----------
    one : Mapping
    code : bool
        Whether the page shows what programmers want to see: standard error, and frames of errors.
    """
    kind = one.get("output_type")
    if kind == "stream":
        text = joined(one.get("text"))
        quiet = one.get("name") == "stderr" and not code
        return None if quiet or not text.strip() else Block("text", as_pre(text.rstrip("\n"), _LONGEST))
    if kind == "error":
        frames = as_pre("\n".join(map(str, one.get("traceback") or ())), _LONGEST) if code else Markup("")
        return Block("error", frames, clean(f"{one.get('ename', 'Error')}: {one.get('evalue', '')}").rstrip(": "))
    return _of_data(mapping(one.get("data")))


def _of_data(data: Mapping[str, Any]) -> Block | None:
    for kind in _PICTURES:
        source = _picture(kind, data.get(kind))
        if source:
            return Block("figure", Markup('<img src="{}" alt="">').format(source))
    html, plain = joined(data.get("text/html")), joined(data.get("text/plain"))
    if html:
        safe = sanitized(html)
        if not is_blank(safe):
            return Block("table" if "<table" in safe else "words", safe)
        return Block("words", _NO_SCRIPT)
    if words := joined(data.get("text/markdown")):
        return Block("words", markdown(words))
    if any(kind.startswith("application/vnd.") and kind.endswith("+json") for kind in data):
        return Block("words", _NO_SCRIPT)  # its text is the name of an object
    if "application/json" in data and not plain:
        plain = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
    plain = joined(data.get("text/latex")) or plain
    return Block("text", as_pre(plain, _LONGEST)) if plain.strip() else None


def _picture(kind: str, content: Any) -> str:
    """A picture as an address that holds it; empty if it is none. Drawings run no script and fetch nothing as one."""
    if kind == "image/svg+xml":
        text = joined(content).strip()
        return f"data:{kind};base64,{base64.b64encode(encodable(text).encode()).decode()}" if text else ""
    try:
        held = base64.b64decode(joined(content), validate=False)
    except (binascii.Error, ValueError):
        return ""
    return f"data:{kind};base64,{base64.b64encode(held).decode()}" if held else ""
