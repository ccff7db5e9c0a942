"""What stands under a cited answer where there is no HTML of ours: a list of its sources in Markdown and in plain text.

Words only, no signs: LaTeX's usual fonts have none of them. Footnotes of Markdown (``[^1]``) are not used, because
nbviewer and JupyterLab show them as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jupyter_localllm.show.listing import Entry, claim_of, clipped, entries, looked_at, one_line, reading
from jupyter_localllm.types import Answer

__all__ = ["as_markdown", "as_plain"]

_LONGEST = 400
_LONGEST_CLAIM = 200
_PLAIN_WORDS = re.compile(r"[^\\`*_\[\]<>$|~{}&]*")


def as_plain(answer: Answer) -> str:
    """The lines under an answer, as plain text.

    Examples
    --------
    >>> from jupyter_localllm.types import Citation
    >>> print(as_plain(Answer("3 [1]", (Citation(1, "df", quote="n: 3", status="supported"),), reading="n")))
    Read as: n
    <BLANKLINE>
    Sources:
    [1] df: supported
        n: 3
    """
    parts = [reading(answer)]
    lines = []
    for entry in entries(answer):
        lines += [f"[{entry.number or '?'}] {_where(entry)}{_told(answer, entry, str)}", _said(entry)]
    if lines:
        parts.append("\n".join(["Sources:", *(line for line in lines if line)]))
    elif places := looked_at(answer):
        parts.append("\n".join(["Looked at:", *places]))
    return "\n\n".join(part for part in parts if part)


def as_markdown(answer: Answer) -> str:
    """The same in Markdown, made harmless."""
    from jupyter_localllm.show.neutral import neutralise

    parts = [_prose(reading(answer))]
    items = []
    for entry in entries(answer):
        said = _code(clipped(one_line(entry.text), _LONGEST))
        where = ", ".join(part for part in (_code(entry.source), _prose(entry.place)) if part)
        head = f"- [{entry.number or '?'}] {where}{': ' if where else ''}{_told(answer, entry, _prose)}"
        items.append(f"{head}: {said}" if said else head)
    if items:
        parts.append("\n".join(["**Sources**", "", *items]))
    elif places := looked_at(answer):
        parts.append("\n".join(["**Looked at**", "", *(f"- {_prose(words)}" for words in places)]))
    return neutralise("\n\n".join(part for part in parts if part))


def _where(entry: Entry) -> str:
    where = ", ".join(part for part in (entry.source, entry.place) if part)
    return f"{where}: " if where else ""


def _told(answer: Answer, entry: Entry, say: Callable[[str], str]) -> str:
    return "; ".join(_verdict(answer, entry, index, say) for index in entry.citations)


def _verdict(answer: Answer, entry: Entry, index: int, say: Callable[[str], str]) -> str:
    cited = answer.citations[index]
    words: str = cited.status if entry.number else "not in the sources"
    claim = clipped(claim_of(answer, cited), _LONGEST_CLAIM)
    if claim and (len(entry.citations) > 1 or not entry.number):
        words += ", " + say(f'"{claim}"')
    return f"{words} ({say(clipped(one_line(cited.reason), _LONGEST_CLAIM))})" if cited.reason else words


def _said(entry: Entry) -> str:
    return "\n".join(f"    {line}" for line in clipped(entry.text, _LONGEST).splitlines())


def _prose(words: str) -> str:
    """Words that Markdown shows as they are: those with signs of its own become code."""
    return words if _PLAIN_WORDS.fullmatch(words) else _code(words)


def _code(words: str) -> str:
    """One line of code. Its end must be where every parser sees it, so there is no backtick in it."""
    words = words.replace("`", "'").strip()
    return f"`{words}`" if words else ""
