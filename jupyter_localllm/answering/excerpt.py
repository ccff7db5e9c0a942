"""The part of a text passage that speaks of a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jupyter_localllm.cite.sentences import sentences_of as split
from jupyter_localllm.sources.select import Asked, share_of

__all__ = ["as_asked", "excerpt", "sentences_of", "speaks_of"]

_WORDS = 60  # of an excerpt
_OWN = 0.25  # share of the question's information that a claim must hold itself


def sentences_of(text: str) -> list[str]:
    """The sentences of a passage, blanks between words made one."""
    return [sentence.strip() for sentence in split(" ".join(text.split()))] or [text.strip()]


def as_asked(words: Iterable[str], question: str) -> tuple[str, ...]:
    """Words of a question as it spells them; those that it does not write as words of their own are left out.

    Examples
    --------
    >>> as_asked(["heisst", "hund"], "Wie heißt der Hund?")
    ('heißt', 'Hund')
    """
    wanted = frozenset(words)
    return tuple(dict.fromkeys(word for word in re.findall(r"\w+", question) if word.casefold() in wanted))


def excerpt(text: str, asked: Asked) -> str:
    """The sentences around the one that holds most of the question's information, at most about 60 words.

    What is asked for often stands in the sentence behind the one that names the subject, so those behind come first.

    Parameters
    ----------
    text : str
        A passage.
    asked : Asked
        The question, weighed against all its sources.
    """
    sentences = sentences_of(text)
    best = _best(sentences, asked)
    first, last, words = best, best, len(sentences[best].split())
    while True:
        after = len(sentences[last + 1].split()) if last + 1 < len(sentences) else _WORDS + 1
        before = len(sentences[first - 1].split()) if first else _WORDS + 1
        if words + after <= _WORDS:
            last, words = last + 1, words + after
        elif words + before <= _WORDS:
            first, words = first - 1, words + before
        else:
            return " ".join(sentences[first : last + 1])


def speaks_of(claim: str, asked: Asked) -> bool:
    """Whether a claim says itself what it is about.

    ``"The answer is 412."`` is carried by every passage that holds the number, whatever it counts there; the passage's
    own words are the better answer then.

    Parameters
    ----------
    claim : str
    asked : Asked
        The question, weighed against all its sources.
    """
    return _share(claim, asked) >= _OWN


def _best(sentences: Sequence[str], asked: Asked) -> int:
    shares = [_share(sentence, asked) for sentence in sentences]
    return shares.index(max(shares))


def _share(text: str, asked: Asked) -> float:
    return share_of(asked, text)
