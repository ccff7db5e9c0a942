"""Scores of single answers, and shares over many with their spread.

Citation recall and precision are ALCE's (Gao et al., 2023, arXiv 2305.14627): recall is the share of an answer's
statements that their cited passages together entail; precision the share of its citations that are not irrelevant. A
citation is irrelevant when it does not entail its statement by itself and the others do without it; where the statement
is not entailed at all, none of its citations counts. Answers without statements or citations score 0, as there. The
oracle stands in for the model of entailment. Statements are the claims that an answer's citations span, and every
other piece of two words or more.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cited.matching import MARK, folded, numbers, same_number, spelt, without_marks
from jupyter_localllm.types import Answer, Citation

__all__ = [
    "Entails",
    "Statement",
    "alce",
    "claims_entailed",
    "faithful_numbers",
    "gate",
    "holds",
    "recall_at",
    "share",
    "statements",
    "valid_marks",
]

Entails = Callable[[str, Sequence[Citation]], "bool | None"]
Parts = tuple[int, int]
"""So many of so many."""


@dataclass(frozen=True)
class Statement:
    """A piece of an answer's text, and the citations that stand with it."""

    text: str
    citations: tuple[Citation, ...] = ()

    @property
    def cited(self) -> tuple[Citation, ...]:
        """Those with a mark."""
        return tuple(c for c in self.citations if c.number)

    @property
    def supported(self) -> bool:
        """Whether the answer says that all of it is carried."""
        return bool(self.cited) and all(c.status == "supported" for c in self.citations)


def statements(answer: Answer) -> list[Statement]:
    """An answer's claims in order, then what stands outside of all of them."""
    spans: dict[tuple[int, int], list[Citation]] = {}
    for citation in answer.citations:
        spans.setdefault((citation.start, citation.end), []).append(citation)
    found, at, outside = [], 0, []
    for (start, end), citations in sorted(spans.items(), key=lambda item: item[0]):
        outside.append(answer.text[at:start])
        at = max(at, end)
        if end > start:
            found.append(Statement(answer.text[start:end], tuple(citations)))
    outside.append(answer.text[at:])
    return found + [Statement(t.strip()) for t in outside if len(re.findall(r"\w+", without_marks(t))) >= 2]


def alce(answer: Answer, entails: Entails) -> tuple[float, float]:
    """Citation precision and recall of one answer, each from 0 to 1."""
    told = statements(answer)
    carried, relevant, cited = 0, 0, 0
    for statement in told:
        citations = statement.cited
        cited += len(citations)
        if not citations or not entails(statement.text, citations):
            continue
        carried += 1
        for i, one in enumerate(citations):
            rest = [*citations[:i], *citations[i + 1 :]]
            needless = len(citations) > 1 and not entails(statement.text, [one]) and entails(statement.text, rest)
            relevant += not needless
    return (relevant / cited if cited else 0.0), (carried / len(told) if told else 0.0)


def claims_entailed(answer: Answer, entails: Entails) -> tuple[Parts, int]:
    """Claims marked supported that are entailed, of those judged; and how many could not be judged."""
    judged = [entails(s.text, s.cited) for s in statements(answer) if s.supported]
    return (sum(j is True for j in judged), sum(j is not None for j in judged)), sum(j is None for j in judged)


def valid_marks(answer: Answer) -> Parts:
    """Marks in the text whose number is a passage's, and a citation's of the same place; of all of them."""
    good = {c.number for c in answer.citations if 1 <= c.number <= len(answer.passages) and _same_place(answer, c)}
    marks = [int(n) for mark in MARK.findall(answer.text) for n in mark.split(",")]
    return sum(n in good for n in marks), len(marks)


def _same_place(answer: Answer, citation: Citation) -> bool:
    passage = answer.passages[citation.number - 1]
    return passage.locator == citation.locator and passage.source == citation.source


def faithful_numbers(answer: Answer) -> Parts:
    """Numbers in claims marked supported that stand in a cited passage, of all of them.

    Rounding to the digits shown counts, and so does the difference, sum, ratio or share of two numbers of the cited
    passages where the citation gives a reason; nothing else.
    """
    found = told = 0
    for statement in statements(answer):
        if not statement.supported:
            continue
        there = [n.value for c in statement.cited for n in numbers(_says(answer, c))]
        if any(c.reason for c in statement.cited):
            there += _derived(there)
        for shown in numbers(without_marks(statement.text)):
            told += 1
            found += any(same_number(value, shown) for value in there)
    return found, told


def _says(answer: Answer, citation: Citation) -> str:
    passage = answer.passages[citation.number - 1].text if citation.number <= len(answer.passages) else ""
    return f"{citation.quote}\n{passage}\n{spelt(passage)}"


def _derived(values: Sequence[float]) -> list[float]:
    pairs = [(a, b) for a in dict.fromkeys(values) for b in dict.fromkeys(values) if a != b]
    made = [x for a, b in pairs for x in (a - b, a + b)]
    return made + [x for a, b in pairs if b for x in (a / b, 100 * a / b, 100 * (a - b) / b)]


def holds(citation_or_passage: Any, row: int, column: str) -> bool:
    """Whether a passage is of this row alone, and its columns hold this one."""
    place = citation_or_passage.locator
    return place.rows == (row,) and (not place.columns or folded(column) in {folded(c) for c in place.columns})


def recall_at(answer: Answer, gold: Callable[[Any], bool], k: int) -> bool:
    """Whether one of an answer's first `k` passages is the right one."""
    return any(gold(passage) for passage in answer.passages[:k])


def share(parts: Iterable[Parts | bool | float], *, seed: int = 1, draws: int = 1000) -> dict[str, Any]:
    """A share over answers, with its 95 % interval.

    Parameters
    ----------
    parts : iterable of bool, float or (int, int)
        Of each answer: right or not, a score from 0 to 1, or so many of so many; these are summed before dividing.
    seed : int, optional
        Of the resampling: answers are drawn with replacement, so several claims of one answer stay together.
    """
    pairs = [p if isinstance(p, tuple) else (float(p), 1) for p in parts]
    pairs = [p for p in pairs if p[1]]
    n = sum(whole for _, whole in pairs)
    if not n:
        return {"share": None, "n": 0}
    rng, means = random.Random(seed), []
    for _ in range(draws):
        drawn = rng.choices(pairs, k=len(pairs))
        means.append(sum(part for part, _ in drawn) / sum(whole for _, whole in drawn))
    means.sort()
    low, high = means[int(0.025 * draws)], means[int(0.975 * draws)]
    value = sum(part for part, _ in pairs) / n
    return {"share": round(value, 4), "low": round(low, 4), "high": round(high, 4), "n": n, "answers": len(pairs)}


def gate(figure: dict[str, Any], *, at_least: float | None = None, at_most: float | None = None) -> dict[str, Any]:
    """The figure with its bar; without any answers no bar is kept."""
    value = figure["share"]
    if at_least is not None:
        return {**figure, "gate": {"at_least": at_least, "kept": value is not None and value >= at_least}}
    return {
        **figure,
        "gate": {"at_most": at_most, "kept": value is not None and at_most is not None and value <= at_most},
    }
