"""An ``ask`` without a model, to try the measuring itself: the cell that shares most words with the question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.cited.matching import folded
from jupyter_localllm.types import Answer, Citation, Locator, Passage

__all__ = ["standin"]


def standin(question: str, sources: Mapping[str, Any], **options: Any) -> Answer:
    """Cells (of texts: lines) ranked by shared words; abstains where fewer than two are shared."""
    asked = set(_words(question))
    passages = [passage for name, source in sources.items() for passage in _passages(name, source)]
    ranked = sorted(passages, key=lambda p: (-len(asked & set(_words(p.text))), len(p.text)))[:5]
    if not ranked or len(asked & set(_words(ranked[0].text))) < 2:
        return Answer("Not in the sources.", abstained=True)
    best = ranked[0]
    cited = Citation(1, best.source, best.locator, best.text, 0, len(best.text), "supported")
    return Answer(f"{best.text} [1].", (cited,), tuple(ranked), value=best.value or None)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", folded(text))


def _passages(name: str, source: Any) -> list[Passage]:
    if isinstance(source, str):
        lines = enumerate(source.splitlines(), 1)
        return [Passage(name, "text", line, Locator(lines=(i, i))) for i, line in lines if line.strip()]
    found = []
    for row in range(len(source)):
        key = next((str(v) for v in source.iloc[row] if any(c.isalpha() for c in str(v))), str(row))
        for at, column in enumerate(source.columns):
            value = str(source.iloc[row, at])
            place = Locator(rows=(row,), columns=(str(column),))
            found.append(Passage(name, "cell", f"{column} of {key}: {value}", place, value=value))
    return found
