"""A question answered by one SELECT that the model writes and a locked DuckDB runs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.answering.asked import said
from jupyter_localllm.answering.evidence import Evidence
from jupyter_localllm.compute.sql import run_select, sql_passage
from jupyter_localllm.compute.sql_grammar import select_question
from jupyter_localllm.errors import UsageError
from jupyter_localllm.pipeline import Model, Request
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.types import Event, Message, Note, Passage, Status

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache

__all__ = ["Selected", "select_by_model"]

_TOKENS = 200
_LISTED = 12


@dataclass(frozen=True)
class Selected:
    """What a SELECT gave, and how to run it again.

    Parameters
    ----------
    sql : str
    sources : tuple of str
        The tables that it read.
    value : object
        The one value, or the rows.
    texts : tuple of str
        All cells as people read them.
    """

    sql: str
    sources: tuple[str, ...]
    value: Any
    texts: tuple[str, ...]

    def again(self, frames: Sequence[FrameSnapshot]) -> Passage:
        """The passage as it is over the tables of now."""
        outcome = run_select(self.sql, frames)
        return sql_passage(self.sql, outcome, outcome.sources)


def select_by_model(
    question: str,
    frames: Sequence[FrameSnapshot],
    evidence: Evidence,
    request: Callable[[tuple[Message, ...]], Request],
    *,
    model: Model,
    cache: AnswerCache,
) -> Generator[Event, None, Evidence]:
    """Let the model write a SELECT, and run it; gives the evidence with what came out, if anything did.

    Parameters
    ----------
    question : str
    frames : sequence of FrameSnapshot
    evidence : Evidence
        Without a reading that is certain.
    request : callable
        Makes the request of some messages.
    model : Model
    cache : AnswerCache

    Raises
    ------
    DependencyMissing
        DuckDB or llguidance is not installed.
    """
    yield Status("reading", "the model writes a SELECT")
    messages, grammar = select_question(question, frames)
    held = replace(request(messages), constraint=grammar, max_tokens=_TOKENS, stop=())
    sql = (yield from said(held, model, cache)).strip()
    try:
        outcome = run_select(sql, frames)
    except UsageError as error:
        return replace(
            evidence, notes=(*evidence.notes, Note("sql", f"the model's SELECT was not run: {error.message}"))
        )
    if not outcome.texts:
        return evidence
    passage = sql_passage(sql, outcome, outcome.sources)
    told = ["; ".join(filter(None, row)) for row in outcome.texts[:_LISTED]]
    value = outcome.rows[0][0] if len(outcome.rows) == 1 and len(outcome.columns) == 1 else list(outcome.rows)
    return replace(
        evidence,
        passages=(passage,),
        possible=(),
        statements=(f"By {passage.locator.operation}: {', '.join(told)}",),
        selected=Selected(sql, outcome.sources, value, tuple(filter(None, (t for row in outcome.texts for t in row)))),
        notes=(*evidence.notes, *outcome.notes),
    )
