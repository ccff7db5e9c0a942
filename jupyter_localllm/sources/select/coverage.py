"""How much of a question its sources speak of: what "not in the sources" rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_localllm.sources.select.question import Asked
from jupyter_localllm.sources.select.rank import covered
from jupyter_localllm.sources.select.words import words
from jupyter_localllm.types import Passage

__all__ = ["Coverage", "coverage"]


@dataclass(frozen=True)
class Coverage:
    """What passages say of the question's words.

    Parameters
    ----------
    share : float
        Of the question's information, 0 to 1, what all passages together hold. Each word counts by how rare it is in
        the sources, one that stands nowhere the most, and function words hardly.
    best : float
        The most that one passage holds alone.
    covered, missing : tuple of str
        Informative words of the question that are held, and that are not, in its order and without case.
    """

    share: float
    best: float
    covered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def coverage(asked: Asked, passages: Iterable[Passage]) -> Coverage:
    """Measure how much of a question's information passages hold.

    Parameters
    ----------
    asked : Asked
        The question, weighed against all its sources (`read`).
    passages : iterable of Passage
        Those that were chosen.

    Returns
    -------
    Coverage
        All of it for a question without any word.
    """
    whole = sum(asked.information)
    if not whole:
        return Coverage(1.0, 1.0)
    each = [covered(asked, set(words(passage.text))) for passage in passages]
    together = [max(column) for column in zip(*each, strict=True)] if each else [0.0] * len(asked.concepts)
    loud = [(c.word, held >= 0.5) for c, held in zip(asked.concepts, together, strict=True) if c.loudness == 1]
    return Coverage(
        _share(asked, together, whole),
        max((_share(asked, held, whole) for held in each), default=0.0),
        tuple(word for word, held in loud if held),
        tuple(word for word, held in loud if not held),
    )


def _share(asked: Asked, held: list[float], whole: float) -> float:
    return round(sum(i * h for i, h in zip(asked.information, held, strict=True)) / whole, 9)
