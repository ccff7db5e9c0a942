"""How much of a question its sources speak of: what "not in the sources" rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.sources.select.question import Asked
from jupyter_localllm.sources.select.rank import covered
from jupyter_localllm.sources.select.thesaurus import asks_for_nothing
from jupyter_localllm.sources.select.unmet import MET, everywhere, unmet
from jupyter_localllm.sources.select.words import words
from jupyter_localllm.types import Passage

__all__ = ["HALF", "Coverage", "coverage", "share_of"]

HALF = 0.5
"""Share of a question's information that one passage must hold to be taken for an answer."""

_QUIET = 0.1  # of a word such as "name" or "year", which an answer need not say


@dataclass(frozen=True)
class Coverage:
    """What passages say of the question's words.

    Parameters
    ----------
    share : float
        Of the question's information, 0 to 1, what all passages together hold. Each word counts by how rare it is in
        the sources, one that stands nowhere the most, and function words hardly.
    best : float
        The most that one passage holds alone, of those that speak of what is asked, see `unmet`. Words for the same
        thing can make this a half, but not more.
    covered, missing : tuple of str
        Informative words of the question that are held, and that are not, in its order and without case.
    nearest : Passage or None
        Where none of them speaks of what is asked: one that holds at least half of the question's information.
    unmet : tuple of str
        What of the question the nearest one says nothing of.
    speaking : tuple of Passage
        Those that hold half of the question's information and speak of what is asked, in the order given.
    """

    share: float
    best: float
    covered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    nearest: Passage | None = None
    unmet: tuple[str, ...] = ()
    speaking: tuple[Passage, ...] = ()


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
    looked_at = list(passages)
    each = [covered(asked, set(words(passage.text))) for passage in looked_at]
    together = [max(column) for column in zip(*each, strict=True)] if each else [0.0] * len(asked.concepts)
    loud = [(c.word, held >= HALF) for c, held in zip(asked.concepts, together, strict=True) if c.loudness == 1]
    shares = [_of_one(asked, held, passage) for passage, held in zip(looked_at, each, strict=True)]
    lacking = [unmet(asked, passage.text) if passage.kind == "text" else () for passage in looked_at]
    good = [share if not lacks else 0.0 for share, lacks in zip(shares, lacking, strict=True)]
    found = Coverage(
        _share(asked.information, together),
        max(good, default=0.0),
        tuple(word for word, held in loud if held),
        tuple(word for word, held in loud if not held),
        speaking=tuple(passage for passage, share in zip(looked_at, good, strict=True) if share >= HALF),
    )
    if found.speaking or max(shares, default=0.0) < HALF:
        return found
    at = shares.index(max(shares))
    return replace(found, nearest=looked_at[at], unmet=lacking[at])


def share_of(asked: Asked, text: str) -> float:
    """What a text holds of a question's information, as `Coverage.share` of it alone.

    Parameters
    ----------
    asked : Asked
    text : str
    """
    return _share(asked.information, covered(asked, set(words(text)))) if sum(asked.information) else 1.0


def _of_one(asked: Asked, held: Sequence[float], passage: Passage) -> float:
    """What one passage holds; in a running text, words for the same thing may stand for all of the question's."""
    share = _share(asked.information, held)
    if passage.kind != "text":
        return share
    quiet = (c.loudness == 1 and asks_for_nothing(c.word) for c in asked.concepts)
    weights = [i * _QUIET if q else i for i, q in zip(asked.information, quiet, strict=True)]
    full = [1.0 if h >= MET or everywhere(c, asked) else h for c, h in zip(asked.concepts, held, strict=True)]
    return max(share, min(HALF, _share(weights, full)))


def _share(weights: Sequence[float], held: Sequence[float]) -> float:
    return round(sum(w * h for w, h in zip(weights, held, strict=True)) / sum(weights), 9)
