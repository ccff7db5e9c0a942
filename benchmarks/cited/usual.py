"""The usual recipe, to compare with: all rows in the prompt, "cite as [1]", and numbers that do not exist taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.cited.matching import MARK
from jupyter_localllm.types import Answer, Citation, Locator, Passage, Result

__all__ = ["INSTRUCTIONS", "usual"]

INSTRUCTIONS = (
    "Answer the question from the numbered sources only. Cite the source of each statement with its number, as [1]."
    " If the sources do not hold the answer, say that it is not in the sources."
)


def usual(generate: Callable[..., Result]) -> Callable[..., Answer]:
    """An ``ask`` by this recipe.

    Parameters
    ----------
    generate : callable
        ``llm.generate``.
    """

    def ask(question: str, sources: Mapping[str, Any], **options: Any) -> Answer:
        passages = [passage for name, source in sources.items() for passage in _passages(name, source)]
        told = "\n".join(f"[{n}] {p.text}" for n, p in enumerate(passages, 1))
        prompt = f"Sources:\n{told}\n\nQuestion: {question}"
        result = generate(prompt, system=INSTRUCTIONS, **{"max_tokens": 128, "cache": "off", **options})
        text = MARK.sub(lambda mark: _existing(mark[1], len(passages)), result.text).strip()
        abstained = "not in the sources" in text.lower()
        return Answer(text, tuple(_citations(text, passages)), tuple(passages), result, abstained=abstained)

    return ask


def _passages(name: str, source: Any) -> list[Passage]:
    if isinstance(source, str):
        lines = [(i, line) for i, line in enumerate(source.splitlines(), 1) if line.strip()]
        return [Passage(name, "text", line, Locator(lines=(i, i))) for i, line in lines]
    columns = tuple(str(c) for c in source.columns)
    rows = [dict(zip(columns, row, strict=True)) for row in source.itertuples(index=False, name=None)]
    texts = ["; ".join(f"{' '.join(c.split())}: {v}" for c, v in row.items()) for row in rows]
    return [Passage(name, "row", text, Locator(rows=(i,), columns=columns)) for i, text in enumerate(texts)]


def _existing(mark: str, most: int) -> str:
    kept = [n for n in re.findall(r"\d+", mark) if 1 <= int(n) <= most]
    return f"[{', '.join(kept)}]" if kept else ""


def _citations(text: str, passages: list[Passage]) -> list[Citation]:
    """Each mark cites for what stands before it in its line, back to the mark before; marks in a row share that."""
    found: list[Citation] = []
    begin = 0
    for mark in MARK.finditer(text):
        between = text[begin : mark.start()]
        if found and not between.strip(" .,;"):
            span = (found[-1].start, found[-1].end)
        else:
            start = begin + between.rfind("\n") + 1
            span = (start, mark.start())
        for number in (int(n) for n in mark[1].split(",")):
            passage = passages[number - 1]
            found.append(Citation(number, passage.source, passage.locator, passage.text, *span))
        begin = mark.end()
    return found
