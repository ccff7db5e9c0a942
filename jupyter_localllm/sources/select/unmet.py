"""What a question asks of its subject, and whether a passage speaks of that: a name alone is no answer.

A passage that holds "Yusuf Branagh" says nothing of his salary. So the words of a question are told apart, by the
passage itself: words that stand together there as they do in the question name the subject. Of what remains the
passage must hold two fifths of the information, in the same words, in other forms of them, or in words for the same
thing. Of another year, or of another house by number, it says nothing whatever else it holds, see `other_figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from jupyter_localllm.sources.select.nearby import nearness
from jupyter_localllm.sources.select.other_figures import in_its_time, other_figures
from jupyter_localllm.sources.select.question import Asked, Concept
from jupyter_localllm.sources.select.rank import places_of
from jupyter_localllm.sources.select.thesaurus import asks_for_a_kind, asks_for_nothing

__all__ = ["MET", "everywhere", "says", "unmet"]

MET = 0.4
"""How well a term must stand for a word to be taken for it."""

_STEM = 0.5
_ENOUGH = 0.4  # of the information that is asked of the subject
_SEVERAL = 3
_NAME = 4  # words of a name, at most
_APART = 3  # words from one of a name to the next: "the clock of the town hall"


class _Word(NamedTuple):
    """A word of the question, as a passage has it."""

    concept: Concept
    information: float
    met: bool  # whether the passage speaks of it
    places: tuple[int, ...]  # where the passage says just this word
    everywhere: bool  # whether the sources are about it


def everywhere(concept: Concept, asked: Asked) -> bool:
    """Whether the sources are about this: a word that stands in a third of the passages need not stand in each."""
    frequency = max((asked.counts.of(term) for term in _own(concept)), default=0)
    return asked.counts.passages >= _SEVERAL and frequency * _SEVERAL >= asked.counts.passages


def unmet(asked: Asked, text: str) -> tuple[str, ...]:
    """Words of a question that a passage says nothing of, if they are too many for it to answer.

    Parameters
    ----------
    asked : Asked
        The question, weighed against all its sources.
    text : str
        The passage's.

    Returns
    -------
    tuple of str
        In the question's order and without case; empty if the passage speaks of what is asked.
    """
    places = places_of(text)[1]
    told = [
        _Word(
            concept,
            information,
            _met(concept, places) or in_its_time(concept, text),
            _at(_own(concept), places),
            everywhere(concept, asked),
        )
        for concept, information in zip(asked.concepts, asked.information, strict=True)
        if concept.loudness == 1 and not asks_for_nothing(concept.word)
    ]
    about = [word for word in told if not asks_for_a_kind(word.concept.word)]
    subject = _subject(about)
    rest = [word for word in about if word not in subject]
    if not rest:  # "What colour has the beetle?"
        rest = [word for word in told if word not in about]
    held = sum(word.information for word in rest if word.met)
    missing = tuple(word.concept.word for word in rest if not word.met)
    enough = subject and held >= _ENOUGH * sum(word.information for word in rest)
    others = other_figures(asked, text, places)
    if others:
        return tuple(word.concept.word for word in told if word.concept.word in {*others, *missing})
    return () if enough else missing


def says(asked: Asked, text: str) -> bool:
    """Whether a text holds an informative word of the question itself, not only another word for the same thing."""
    places = places_of(text)[1]
    return any(_at(_own(concept), places) for concept in asked.concepts if concept.loudness == 1)


def _own(concept: Concept) -> tuple[str, ...]:
    return tuple(term for term, how in concept.terms if how > MET + _STEM)


def _at(terms: Iterable[str], places: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
    return tuple(at for term in terms for at in places.get(term, ()))


def _met(concept: Concept, places: Mapping[str, Sequence[int]]) -> bool:
    if any(how >= MET and term in places for term, how in concept.terms):
        return True
    begin = concept.word[:3]
    near = (term for term in places if term[:3] == begin and nearness(concept.word, term) >= _STEM)
    return not concept.exact and any(near)


def _subject(told: Sequence[_Word]) -> list[_Word]:
    """The longest run of words that stand near each other in the passage as they do in the question; at least one."""
    runs = [[word] for word in told[:1]]
    for one, two in pairwise(told):
        if any(0 < abs(a - b) <= _APART for a in one.places for b in two.places):
            runs[-1].append(two)
        else:
            runs.append([two])
    named = max((run for run in runs if run[0].places), key=len, default=[])
    return [word for word in told if word.everywhere or word in named[:_NAME]]
