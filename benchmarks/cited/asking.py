"""One question after the other: what came back, how long it took, and what went wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cited.lookups import Lookup
from benchmarks.cited.matching import number, numbers, same_number, same_value, simplified, stands_in, without_marks
from benchmarks.cited.oracle import FrameOracle
from benchmarks.cited.scores import Entails, alce, claims_entailed, faithful_numbers, holds, statements, valid_marks
from benchmarks.cited.tables import Table, key_columns
from jupyter_localllm.types import Answer

__all__ = ["Ask", "Asked", "Run", "cites_cell", "looked_up", "oracle_of", "told_number"]

Ask = Callable[..., Answer]
"""``ask(question, sources={name: object}) -> Answer``."""


@dataclass(frozen=True)
class Asked:
    """A question and its answer; ``error`` says why there is none (the answer is empty then)."""

    row: str
    group: str
    question: str
    answer: Answer
    ms: float
    error: str = ""
    right: bool = False
    scores: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """For people who look into the failures."""
        return {
            "row": self.row,
            "group": self.group,
            "question": self.question,
            "text": self.answer.text,
            "value": repr(self.answer.value),
            "reading": self.answer.reading,
            "abstained": self.answer.abstained,
            "passages": [p.text[:200] for p in self.answer.passages[:3]],
            "citations": [(c.number, c.status, c.locator.label or str(c.locator)) for c in self.answer.citations],
            "ms": round(self.ms, 1),
            "error": self.error,
            "right": self.right,
            **{k: v for k, v in self.scores.items() if isinstance(v, (bool, int, float, str, list, tuple))},
        }


@dataclass
class Run:
    """What the rows share: who is asked, the tables, and all answers so far.

    Parameters
    ----------
    ask : callable
    tables : sequence of Table
    seed : int
    limit : int or None
        Questions in each row; None for each row's own number.
    name : str
        Under which the answers are kept: ``"full"``, ``"ranking"``, ``"usual"``.
    """

    ask: Ask
    tables: Sequence[Table]
    seed: int = 1
    limit: int | None = None
    name: str = "full"
    asked: dict[str, list[Asked]] = field(default_factory=dict)

    def many(self, usual: int) -> int:
        """How many questions a row asks."""
        return usual if self.limit is None else self.limit

    def put(self, row: str, group: str, question: str, sources: Mapping[str, Any]) -> Asked:
        """Ask one question; an error is an answer that is wrong, and is told."""
        begun = time.perf_counter()
        try:
            answer, error = self.ask(question, sources=sources), ""
        except KeyboardInterrupt:
            raise
        except Exception as trouble:  # a benchmark goes on: the error is one of its results
            answer, error = Answer(""), f"{type(trouble).__name__}: {trouble}"[:500]
        return Asked(row, group, question, answer, (time.perf_counter() - begun) * 1000, error)

    def keep(self, row: str, asked: Asked) -> Asked:
        """Remember a judged answer under its row."""
        kept = self.asked.setdefault(row, [])
        kept.append(asked)
        if len(kept) % 20 == 0:
            print(f"{self.name} {row}: {len(kept)} asked", file=sys.stderr, flush=True)
        return asked


def oracle_of(table: Table, frame: Any = None) -> FrameOracle:
    """What the table says; of a changed frame its own texts."""
    keys = tuple(key_columns(table))
    if frame is None:
        return FrameOracle(table.frame, table.text, keys)
    return FrameOracle(frame, frame.astype(str), tuple(k for k in keys if k in frame.columns))


def cites_cell(answer: Answer, row: int, column: str, gold: str) -> bool:
    """Whether a claim that tells the value cites the cell (or its row, or what was read from that row alone)."""
    return any(
        stands_in(gold, statement.text) and any(holds(c, row, column) for c in statement.cited)
        for statement in statements(answer)
    )


def general(answer: Answer, entails: Entails) -> dict[str, Any]:
    """The scores that every answer from a frame has."""
    precision, recall = alce(answer, entails)
    entailed, unjudged = claims_entailed(answer, entails)
    return {
        "precision": precision,
        "recall": recall,
        "marks": valid_marks(answer),
        "numbers": faithful_numbers(answer),
        "entailed": entailed,
        "unjudged": unjudged,
    }


def looked_up(run: Run, row: str, lookup: Lookup, frame: Any = None, group: str = "") -> Asked:
    """Ask for a cell and judge the answer.

    Parameters
    ----------
    frame : DataFrame, optional
        Asked in place of the lookup's own; it must hold the same row and column.
    """
    asked = run.put(
        row, group or lookup.wording, lookup.question, {"df": lookup.table.frame if frame is None else frame}
    )
    answer = asked.answer
    told = same_value(lookup.gold, answer.value) or (answer.value is None and stands_in(lookup.gold, answer.text))
    right = not answer.abstained and (told or stands_in(lookup.gold, answer.text))
    entails = oracle_of(lookup.table, frame).entails
    scores = general(answer, entails)
    ranks = [i for i, p in enumerate(answer.passages, 1) if holds(p, lookup.row, lookup.column)]
    cited = cites_cell(answer, lookup.row, lookup.column, lookup.gold)
    scores |= {
        "gold": lookup.gold,
        "table": lookup.table.name,
        "rank": ranks[0] if ranks else 0,
        "cited": cited,
        "both": right and cited and scores["precision"] == 1.0,
    }
    return run.keep(row, _judged(asked, right, scores))


def _judged(asked: Asked, right: bool, scores: Mapping[str, Any]) -> Asked:
    from dataclasses import replace

    return replace(asked, right=right, scores=scores)


def told_number(gold: float, asked: Asked) -> bool:
    """Whether the answer is this number: its value, or where it has none, a number of its text not in the question."""
    value = asked.answer.value
    if value is not None:
        amount = number(simplified(str(value)))
        return amount is not None and (abs(amount - gold) <= 1e-6 * max(1.0, abs(gold)))
    echoed = [n.value for n in numbers(asked.question)]
    return any(same_number(gold, n) for n in numbers(without_marks(asked.answer.text)) if n.value not in echoed)
