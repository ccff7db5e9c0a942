"""The model as a reader: between readings that words alone leave uncertain, it chooses, under a constraint.

What it can choose is built from the live tables: each choice is an operation over columns and values that are there.
It cannot write anything else, and it computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_localllm.answering.asked import said
from jupyter_localllm.answering.evidence import Evidence
from jupyter_localllm.answering.lead import led_by
from jupyter_localllm.constrain import Choices
from jupyter_localllm.pipeline import Model, Request
from jupyter_localllm.types import Event, Message, Status

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache

__all__ = ["choose_reading"]

_NONE = "none of these"
_TOKENS = 96
_ASKED = (
    "You choose what has to be looked up or computed to answer a question about tables. Answer with one of the"
    f" possibilities, exactly as it is written, or with: {_NONE}"
)


def choose_reading(
    question: str,
    evidence: Evidence,
    request: Callable[[tuple[Message, ...]], Request],
    model: Model,
    cache: AnswerCache,
) -> Generator[Event, None, Evidence]:
    """Let the model choose among the possible readings; gives the evidence with the one that it chose, if any.

    Parameters
    ----------
    question : str
    evidence : Evidence
        Without a reading that is certain.
    request : callable
        Makes the request of some messages.
    model : Model
    cache : AnswerCache
    """
    words = [reading.words for reading in evidence.possible]
    yield Status("reading", "the model chooses between readings of the question")
    columns = "; ".join(
        f"{source.name}: {', '.join(column.label for column in source.table.columns[:40])}"
        for source in dict.fromkeys(reading.source for reading in evidence.possible)
    )
    listed = "\n".join(f"- {one}" for one in (*words, _NONE))
    asked = f"Columns of {columns}\nPossibilities:\n{listed}\nQuestion: {question}"
    plain = request((Message.of("system", _ASKED), Message.of("user", asked)))
    held = replace(plain, constraint=Choices((*words, _NONE)), max_tokens=_TOKENS, stop=())
    chosen = yield from said(held, model, cache)
    if chosen not in words:
        return evidence
    return led_by(evidence.possible[words.index(chosen)], evidence, question)
