"""Rows about questions that are more than a cell: the benchmark's own, statistics, texts, and other shapes."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.cited.asking import Asked, Run, general, oracle_of, told_number
from benchmarks.cited.figures import Figure, sample_figures
from benchmarks.cited.matching import (
    as_items,
    denotes,
    folded,
    numbers,
    same_number,
    same_value,
    spelt,
    stands_in,
    target_items,
    without_marks,
)
from benchmarks.cited.prose import ABSENT, CORPUS, FACTS, Fact, line_of
from benchmarks.cited.scores import gate, share, statements
from benchmarks.cited.shapes import SHAPES, Shape
from benchmarks.cited.tables import Question, Table
from jupyter_localllm.types import Answer, Citation

__all__ = ["prose", "questions", "shapes", "statistic_questions"]

_MOST_LINES = 8  # a passage of more lines points at nothing


def questions(run: Run, known: Sequence[Question]) -> dict[str, Any]:
    """The benchmark's questions, by its own match of answers: the value, or where there is none the whole text."""
    rng = random.Random(run.seed)
    chosen = rng.sample(list(known), min(len(known), run.many(300)))
    tables = {table.name: table for table in run.tables}
    asked = [_question(run, q, tables[q.table]) for q in chosen if q.table in tables]
    answered = [a for a in asked if not a.answer.abstained]
    return {
        "right": gate(share((a.right for a in asked), seed=run.seed), at_least=0.25),
        "abstained": share((a.answer.abstained for a in asked), seed=run.seed),
        "right where not abstained": share((a.right for a in answered), seed=run.seed),
        "right if forced": share((a.scores["forced"] for a in asked), seed=run.seed),
        "all targets in the text": share((a.scores["in_text"] for a in asked), seed=run.seed),
        "errors": sum(bool(a.error) for a in asked),
    }


def _question(run: Run, question: Question, table: Table) -> Asked:
    asked = run.put("questions", question.id, question.text, {"df": table.frame})
    answer, targets = asked.answer, target_items(question.target)
    text = without_marks(answer.text).strip()
    predicted = as_items(answer.value) or ([text] if text else [])
    forced = denotes(targets, predicted)
    scores = {
        **general(answer, oracle_of(table).entails),
        "gold": question.target,
        "table": table.name,
        "forced": forced,
        "in_text": not answer.abstained and all(stands_in(t, text) for t in targets),
    }
    return run.keep("questions", replace(asked, right=forced and not answer.abstained, scores=scores))


def statistic_questions(run: Run) -> dict[str, Any]:
    """Generated questions whose gold is pandas'; which row has the most is told apart and not in the gate."""
    asked = [(f, _statistic(run, f)) for f in sample_figures(run.tables, run.many(168), run.seed + 6000)]
    gated = [a for f, a in asked if f.kind != "most"]
    groups = sorted({f.group for f, _ in asked})
    spoken = sorted({f.language for f, _ in asked})
    return {
        "right": gate(share((a.right for a in gated), seed=run.seed), at_least=0.8),
        "abstained": share((a.answer.abstained for a in gated), seed=run.seed),
        "right where not abstained": share((a.right for a in gated if not a.answer.abstained), seed=run.seed),
        "right if forced": share((a.scores["forced"] for a in gated), seed=run.seed),
        "by kind": {g: share((a.right for f, a in asked if f.group == g), seed=run.seed) for g in groups},
        "by language": {s: share((a.right for f, a in asked if f.language == s), seed=run.seed) for s in spoken},
        "errors": sum(bool(a.error) for _, a in asked),
    }


def _statistic(run: Run, figure: Figure) -> Asked:
    asked = run.put("statistics", figure.group, figure.question, {"df": figure.table.frame})
    answer, gold = asked.answer, figure.gold
    if isinstance(gold, float):
        forced = told_number(gold, asked)
    else:
        forced = same_value(gold, answer.value) if answer.value is not None else stands_in(gold, answer.text)
    scores = general(answer, oracle_of(figure.table).entails)
    scores |= {"gold": gold, "table": figure.table.name, "forced": forced, "language": figure.language}
    return run.keep("statistics", replace(asked, right=forced and not answer.abstained, scores=scores))


def prose(run: Run) -> dict[str, Any]:
    """Facts in a text, and questions that it does not answer."""
    facts = list(FACTS)[: run.limit] if run.limit is not None else list(FACTS)
    asked = [_fact(run, fact) for fact in facts]
    absent = [run.put("prose", "absent", q, {"notes": CORPUS}) for q in ABSENT[: run.limit]]
    absent = [run.keep("prose", replace(a, right=a.answer.abstained)) for a in absent]

    def of(name: str) -> dict[str, Any]:
        return share((a.scores[name] for a in asked), seed=run.seed)

    english = [a for a in asked if a.group == "English"]
    return {
        "answered and cited right": of("both"),
        "of these in English": share((a.scores["both"] for a in english), seed=run.seed),
        "answer right": share((a.right for a in asked), seed=run.seed),
        "abstained": share((a.answer.abstained for a in asked), seed=run.seed),
        "retrieval recall@1": share((a.scores["rank"] == 1 for a in asked), seed=run.seed),
        "retrieval recall@5": share((1 <= a.scores["rank"] <= 5 for a in asked), seed=run.seed),
        "citation precision": of("precision"),
        "citation recall": of("recall"),
        "abstained where it is not in the text": gate(share((a.right for a in absent), seed=run.seed), at_least=0.9),
        "errors": sum(bool(a.error) for a in [*asked, *absent]),
    }


def _fact(run: Run, fact: Fact) -> Asked:
    asked = run.put("prose", fact.language, fact.question, {"notes": CORPUS})
    answer, line = asked.answer, line_of(fact)

    def entails(claim: str, citations: Sequence[Citation]) -> bool:
        return said_by(claim, [c.locator.lines for c in citations if c.number])

    gold = spelt(fact.gold)
    right = not answer.abstained and stands_in(gold, spelt(answer.text))
    cited = any(
        stands_in(gold, spelt(s.text)) and any(covers(c.locator.lines, line) for c in s.cited)
        for s in statements(answer)
    )
    ranks = [i for i, p in enumerate(answer.passages, 1) if covers(p.locator.lines, line)]
    scores = general(answer, entails)
    scores |= {"gold": fact.gold, "rank": ranks[0] if ranks else 0, "cited": cited}
    scores |= {"both": right and cited and scores["precision"] == 1.0}
    return run.keep("prose", replace(asked, right=right, scores=scores))


def covers(lines: tuple[int, int] | None, line: int) -> bool:
    """Whether a place in the text is this line, or a few around it."""
    return lines is not None and lines[0] <= line <= lines[1] and lines[1] - lines[0] < _MOST_LINES


def said_by(claim: str, places: Sequence[tuple[int, int] | None]) -> bool:
    """Whether lines of the corpus say this: all its numbers, all its names, and half of its other long words.

    The first word of a sentence is no name. A short answer in another language has none of the words, and passes by
    its numbers and names.
    """
    lines = CORPUS.splitlines()
    text = " ".join(lines[i - 1] for place in places if place for i in range(place[0], place[1] + 1) if i <= len(lines))
    if not text:
        return False
    said, there = without_marks(claim), folded(text)
    known = [n.value for n in numbers(f"{text} {spelt(text)}")]
    if not all(any(same_number(k, n) for k in known) for n in numbers(said)):
        return False
    names = re.findall(r"(?<=[^.!?:\s] )[A-Z][\w-]+", said)
    words = [w for w in re.findall(r"[^\W\d_]{4,}", folded(said)) if w not in map(folded, names)]
    return all(folded(n) in there for n in names) and sum(w[:5] in there for w in words) >= len(words) / 2


def shapes(run: Run) -> dict[str, Any]:
    """One question each for sources of other shapes; informational, with what failed."""
    asked = [_shape(run, shape) for shape in SHAPES[: run.limit]]
    failed = {
        a.group: a.error or f"{a.answer.text[:120]!r} {a.scores['places']}" for a in asked if not a.scores["both"]
    }
    return {
        "answered and cited right": share((a.scores["both"] for a in asked), seed=run.seed),
        "answer right": share((a.right for a in asked), seed=run.seed),
        "failed": failed,
    }


def _shape(run: Run, shape: Shape) -> Asked:
    try:
        source = shape.make()
    except ModuleNotFoundError as missing:
        asked = Asked("shapes", shape.name, shape.question, Answer(""), 0.0, f"missing: {missing}")
        return run.keep("shapes", replace(asked, scores={"both": False, "places": ""}))
    asked = run.put("shapes", shape.name, shape.question, {"source": source})
    answer = asked.answer
    if not shape.gold:  # to be refused, by abstaining or with an error of our own that says what to do
        right = answer.abstained or bool(re.match(r"(SourceError|UsageError)", asked.error))
        return run.keep("shapes", replace(asked, right=right, scores={"both": right, "places": ""}))
    right = not answer.abstained and (same_value(shape.gold, answer.value) or stands_in(shape.gold, answer.text))
    places = [c.locator for c in answer.citations if c.number]
    cited = any(
        (shape.rows is None or p.rows == shape.rows) and (shape.path is None or (p.path or "").startswith(shape.path))
        for p in places
    )
    told = "; ".join(p.label for p in places)
    return run.keep("shapes", replace(asked, right=right, scores={"both": right and cited, "places": told}))
