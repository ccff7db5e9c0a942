"""A question as a ranking reads it: what it asks for, word by word, and how much each word tells.

No wording is known here: words count by how rare they are in the sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.sources.select.base import PassageIndex
from jupyter_localllm.sources.select.function_words import function_words
from jupyter_localllm.sources.select.nearby import nearness
from jupyter_localllm.sources.select.thesaurus import asks_for_nothing, related
from jupyter_localllm.sources.select.token import Token
from jupyter_localllm.sources.select.words import tokens

__all__ = ["Asked", "Concept", "Counts", "concepts", "read"]

QUIET = 0.02
"""What a function word counts, beside 1 for others."""

_HALF_QUIET = 0.1
_OTHER_FORM = 0.95  # without its accent or its plural's s it is the same word, nearly always
_COARSER = (0.3, 0.15)  # of a date only its month, only its year
_MOST_CONCEPTS = 128  # of a question; of a longer one, the rarest
_VOCABULARY = 20_000  # terms with one beginning that are looked at for a word that stands nowhere
_NEAREST = 8
_RELATED = 0.5  # another word for the same thing
_MOST_RELATED = 24


@dataclass(frozen=True)
class Concept:
    """One word, number or date of a question.

    Parameters
    ----------
    word : str
        As the question has it, without case.
    terms : tuple of (str, float)
        Terms that stand for it in a passage, each with how well it does, 0 to 1.
    loudness : float
        1, or `QUIET` for a function word.
    exact : bool
        Whether it has no other spelling: a number, a date, a pair of characters.
    """

    word: str
    terms: tuple[tuple[str, float], ...]
    loudness: float = 1.0
    exact: bool = False


@dataclass(frozen=True)
class Counts:
    """How often terms stand in a collection.

    Parameters
    ----------
    passages : int
    length : int
        Terms in all of them.
    frequency : dict
        Of each term of interest, the number of passages that hold it.
    """

    passages: int = 0
    length: int = 0
    frequency: dict[str, int] | None = None

    def of(self, term: str) -> int:
        """The number of passages that hold a term."""
        return (self.frequency or {}).get(term, 0)

    def __add__(self, other: Counts) -> Counts:
        both = dict(self.frequency or {})
        for term, count in (other.frequency or {}).items():
            both[term] = both.get(term, 0) + count
        return Counts(self.passages + other.passages, self.length + other.length, both)


@dataclass(frozen=True)
class Asked:
    """A question, weighed against the sources.

    Parameters
    ----------
    concepts : tuple of Concept
    weights : tuple of float
        What each concept counts for the ranking: BM25's inverse document frequency, times its loudness.
    information : tuple of float
        What each concept counts for coverage: high for what stands nowhere.
    counts : Counts
    pairs : tuple of (int, int)
        Numbers of concepts that follow each other in the question.
    """

    concepts: tuple[Concept, ...]
    weights: tuple[float, ...]
    information: tuple[float, ...]
    counts: Counts
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def average(self) -> float:
        """Terms of a passage, on average."""
        return max(1.0, self.counts.length / max(1, self.counts.passages))


def concepts(question: str) -> tuple[Concept, ...]:
    """What a question asks for, each thing once.

    Examples
    --------
    >>> [(c.word, c.loudness) for c in concepts("The price of apples")]
    [('the', 0.02), ('price', 1.0), ('of', 0.02), ('apples', 1.0)]
    """
    said = tokens(question)
    quiet = function_words(said)
    found: dict[str, Concept] = {}
    for token in said:
        for concept in _of_token(token):
            found.setdefault(concept.word, replace(concept, loudness=_loudness(concept, quiet)))
    return tuple(found.values())


def _loudness(concept: Concept, quiet: frozenset[str]) -> float:
    if _is_hiragana(concept.word):  # what stands between the words of Japanese
        return _HALF_QUIET
    return QUIET if concept.word in quiet else 1.0


def read(question: str, indexes: Sequence[PassageIndex], besides: Counts | None = None) -> Asked:
    """Weigh a question against sources.

    Words are also looked for in other words for the same thing, and one that stands nowhere in similar spellings and
    endings.

    Parameters
    ----------
    question : str
    indexes : sequence of PassageIndex
    besides : Counts, optional
        Of sources that have no index.

    Returns
    -------
    Asked
    """
    asked = concepts(question)
    counts = besides or Counts()
    terms = [term for concept in asked for term, _ in concept.terms]
    for index in indexes:
        counts = counts + Counts(index.size, index.length, index.frequency(terms))
    if len(asked) > _MOST_CONCEPTS:
        rarest = sorted(asked, key=lambda c: (-c.loudness, _frequency(c, counts)))[:_MOST_CONCEPTS]
        asked = tuple(concept for concept in asked if concept in rarest)
    widened, known = [], []
    said = {term for concept in asked for term, _ in concept.terms}
    for concept in asked:
        if concept.exact or concept.loudness < 1:
            widened.append(concept)
            known.append(concept)
            continue
        near = [] if _frequency(concept, counts) else _near(concept, indexes)
        other = [] if asks_for_nothing(concept.word) else _related(concept, indexes, said)
        known.append(_with(concept, other))
        near += other
        widened.append(_with(concept, near))
        counts = counts + Counts(frequency={term: count for term, _, count in near if not counts.of(term)})
    return _weighed(asked, tuple(known), tuple(widened), counts)


def _with(concept: Concept, near: Sequence[tuple[str, float, int]]) -> Concept:
    return replace(concept, terms=concept.terms + tuple((term, how) for term, how, _ in near))


def _weighed(own: tuple[Concept, ...], known: tuple[Concept, ...], asked: tuple[Concept, ...], counts: Counts) -> Asked:
    """Weights by how rare a concept's own words are, else words for the same thing; a slip of the pen is unknown."""
    n = counts.passages
    weights, information = [], []
    for original, other, concept in zip(own, known, asked, strict=True):
        there = min(n, _frequency(original, counts) or _frequency(other, counts))
        df = there or min(n, _frequency(concept, counts))
        weights.append(concept.loudness * math.log(1 + (n - df + 0.5) / (df + 0.5)))
        information.append(concept.loudness * math.log(1 + (n + 1) / (there + 1)))
    pairs = tuple((i, i + 1) for i in range(len(asked) - 1))
    return Asked(asked, tuple(weights), tuple(information), counts, pairs)


def _of_token(token: Token) -> Iterable[Concept]:
    if not token.parts:
        if token.forms:
            coarser = zip(token.extra, _COARSER, strict=False) if "-" in token.forms[0] else ()
            yield Concept(token.forms[0], (*_weigh(token.forms), *coarser), exact=token.exact)
        return
    for forms in token.parts:
        whole = tuple((form, 1.0) for form in token.forms)
        months = tuple((form, _COARSER[0]) for form in token.extra) if not forms[0].isdecimal() else ()
        own = tuple((form, _OTHER_FORM * how) for form, how in _weigh(forms))
        yield Concept(forms[0], (*whole, *own, *months), exact=forms[0].isdecimal())


def _weigh(forms: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    return tuple((form, 1.0 if i == 0 else _OTHER_FORM) for i, form in enumerate(forms))


def _frequency(concept: Concept, counts: Counts) -> int:
    """In how many passages it stands, at least: its forms are often found together."""
    return max((counts.of(term) for term, how in concept.terms if how > _COARSER[0]), default=0)


def _near(concept: Concept, indexes: Sequence[PassageIndex]) -> list[tuple[str, float, int]]:
    """Terms of the sources that are spelled nearly so, with how near they are and how often they stand there."""
    word = concept.terms[min(1, len(concept.terms) - 1)][0] if not concept.word.isascii() else concept.word
    if len(word) < 4:
        return []
    found: dict[str, int] = {}
    for index in indexes:
        for term, count in index.vocabulary(word[:3], _VOCABULARY).items():
            found[term] = found.get(term, 0) + count
    near = [(term, nearness(word, term), count) for term, count in found.items()]
    return sorted((n for n in near if n[1] > 0), key=lambda n: (-n[1], -n[2], n[0]))[:_NEAREST]


def _related(concept: Concept, indexes: Sequence[PassageIndex], said: set[str]) -> list[tuple[str, float, int]]:
    """Terms of the sources that speak of the same thing, with how often they stand there.

    What the question says itself does not only begin like such a term: "Leith" is no form of "leiten".
    """
    same = related(term for term, _ in concept.terms)
    found: dict[str, int] = {}
    for index in indexes:
        there = index.frequency(same.terms)
        for beginning in same.beginnings:
            begun = index.vocabulary(beginning, _MOST_RELATED)
            there |= {term: count for term, count in begun.items() if term not in said}
        for term, count in there.items():
            found[term] = found.get(term, 0) + count
    own = {term for term, _ in concept.terms}
    other = [(term, _RELATED, count) for term, count in found.items() if term not in own]
    return sorted(other, key=lambda each: (-each[2], each[0]))[:_MOST_RELATED]


def _is_hiragana(word: str) -> bool:
    return all("\u3041" <= c <= "\u309f" for c in word)
