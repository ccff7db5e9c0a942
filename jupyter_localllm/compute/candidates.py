"""Every computation that a question might mean, each with the evidence for it and the guesses in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_localllm.compute.conditions import wheres
from jupyter_localllm.compute.families import FAMILIES, of_pair
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.scope import Candidate, Scope

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Table
    from jupyter_localllm.sources.values import Values

__all__ = ["Candidate", "candidates"]


def candidates(question: Question, table: Table, values: Values) -> list[Candidate]:
    """All readings of a question over one table, the best first; equal ones in a fixed order."""
    found = list(_all(Scope(question, table, values)))
    found.sort(key=lambda candidate: -candidate.score)
    return found


def _all(scope: Scope) -> Iterator[Candidate]:
    together, excluding = wheres(scope)
    for pair in excluding:
        yield from of_pair(scope, pair)
    for where in together:
        for family in FAMILIES:
            yield from family(scope, where)
