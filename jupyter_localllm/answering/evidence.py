"""What an answer may rest on: the reading of the question, the passages that fit, and whether they answer it at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jupyter_localllm.sources.select import HALF, Choice, Embed, Kept, Vectors
from jupyter_localllm.types import Note, Passage

if TYPE_CHECKING:
    from jupyter_localllm.answering.others import Other
    from jupyter_localllm.answering.select import Selected
    from jupyter_localllm.compute.reading import Reading

__all__ = ["COVERED", "POSSIBLE", "Evidence", "Limits"]

COVERED = HALF
"""Share of a question's information that one text passage must hold to be taken for an answer."""

POSSIBLE = 0.1
"""A reading less certain than this is not even offered."""


@dataclass(frozen=True)
class Limits:
    """How much goes into a prompt, and what helps to choose it.

    Parameters
    ----------
    tokens : int
        For all passages together.
    passages : int
        How many at most, besides what was computed.
    embed : callable or Vectors or None
        Of an embedding model, if one is configured.
    kept : Kept
        Indexes of earlier questions.
    progress : callable or None
        Called with what is being done, in a few words.
    """

    tokens: int = 1_500
    passages: int = 8
    embed: Embed | Vectors | None = None
    kept: Kept = field(default_factory=Kept)
    progress: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Evidence:
    """What was found for a question.

    Parameters
    ----------
    passages : tuple of Passage
        Numbered from 1 in this order.
    reading : Reading or None
        How the question was read, if it was read as a computation and this is certain enough.
    possible : tuple of Reading
        Less certain readings, the best first, where none is certain and no text answers.
    covered : float
        Share of the question's information that the best text passage holds, 0 to 1.
    statements : tuple of str
        For each of the first passages its content in plain words, for an answer that the model words badly.
    choice : Choice or None
        What was chosen of the texts, and what was cut.
    notes : tuple of Note
    selected : Selected or None
        A SELECT that answers, see `jupyter_localllm.answering.select`.
    agreeing : tuple of Passage
        Of `passages`, those that say the same as the first one.
    others : tuple of Other
        What other sources say instead; each is among the statements.
    unmet : tuple of str
        Words of the question that found nothing: those that the nearest passage of a text lacks, or that no reading
        explains.
    rivals : tuple of Reading
        Of other tables that were asked the same as `reading`.
    """

    passages: tuple[Passage, ...] = ()
    reading: Reading | None = None
    possible: tuple[Reading, ...] = ()
    covered: float = 0.0
    statements: tuple[str, ...] = ()
    choice: Choice | None = None
    notes: tuple[Note, ...] = ()
    selected: Selected | None = None
    agreeing: tuple[Passage, ...] = ()
    others: tuple[Other, ...] = ()
    unmet: tuple[str, ...] = ()
    rivals: tuple[Reading, ...] = ()
    left_out: int = 0

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was computed and is told."""
        return (self.reading, *self.rivals) if self.reading is not None else self.possible

    @property
    def results(self) -> tuple[str, ...]:
        """What came out of what leads, as texts that an answer must hold."""
        if self.reading is not None:
            return self.reading.outcome.texts
        return self.selected.texts if self.selected is not None else ()

    def fewer(self) -> Evidence | None:
        """With about half of the text passages, the best ones; None if there is none to spare."""
        told = self.passages[: len(self.statements)]
        spare = self.passages[len(self.statements) :]
        if len(spare) <= (0 if told else 1):
            return None
        ranked = [one.passage for one in self.choice.ranked if one.passage in spare] if self.choice is not None else []
        ranked += [passage for passage in spare if passage not in ranked]  # what was not ranked against the others
        best = ranked[: len(spare) // 2]
        left_out = self.left_out + len(spare) - len(best)
        whole = self.left_out + len(spare)
        note = Note("cut", f"{left_out} of {whole} passages left out: the model's window is full")
        return replace(
            self,
            passages=(*told, *(passage for passage in spare if passage in best)),
            left_out=left_out,
            notes=(*(one for one in self.notes if one.code != "cut"), note),
            agreeing=tuple(passage for passage in self.agreeing if passage in best),
        )

    @property
    def enough(self) -> bool:
        """Whether there is something that an answer can rest on."""
        return self.reading is not None or self.selected is not None or self.covered >= COVERED
