"""Words that speak of the same thing, in several languages: "wrote" and "author", "cost" and "Preis".

A dictionary and no grammar: what is listed together is evidence that a passage speaks of what a question asks for, and
less so than the question's own words. A list can only make more passages fit; what it lacks is not found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jupyter_localllm.sources.select.function_words import LANGUAGES, words_in
from jupyter_localllm.sources.select.words import words

__all__ = ["Related", "asks_for_a_kind", "asks_for_nothing", "related"]

_SHORTEST = 4  # letters of a beginning that stands for words of any ending


class Related(NamedTuple):
    """Terms that speak of the same thing, and beginnings of such terms."""

    terms: frozenset[str]
    beginnings: tuple[str, ...]

    def holds(self, term: str) -> bool:
        """Whether a term is one of them."""
        return term in self.terms or term.startswith(self.beginnings)


def related(forms: Iterable[str]) -> Related:
    """What speaks of the same thing as a word.

    Function words of any language are left out: the English "die" is no reason to find the German article.

    Parameters
    ----------
    forms : iterable of str
        The word's terms, see `words`.

    Examples
    --------
    >>> related(["wrote"]).holds("author"), related(["wrote"]).holds("built")
    (True, False)
    """
    by_term, by_beginning, groups = _read()
    found: dict[int, None] = {}
    for form in forms:
        found.update(dict.fromkeys(by_term.get(form, ())))
        for length in range(_SHORTEST, len(form) + 1):
            found.update(dict.fromkeys(by_beginning.get(form[:length], ())))
    terms = frozenset[str]().union(*(groups[at].terms for at in found))
    return Related(terms, tuple(dict.fromkeys(b for at in found for b in groups[at].beginnings)))


def asks_for_a_kind(word: str) -> bool:
    """Whether a word says of what kind the answer is ("colour", "instrument"); the answer need not say the word."""
    return word in _listed("kinds")


def asks_for_nothing(word: str) -> bool:
    """Whether a word asks for nothing that a passage could say in words ("name", "year", "have")."""
    return word in _listed("quiet")


@cache
def _read() -> tuple[dict[str, list[int]], dict[str, list[int]], list[Related]]:
    quiet = frozenset[str]().union(*map(words_in, LANGUAGES))
    by_term: dict[str, list[int]] = {}
    by_beginning: dict[str, list[int]] = {}
    groups = []
    for at, group in enumerate(_document()["groups"]):
        asking, _, answering = group.partition(" : ")
        for term in _whole(asking):
            by_term.setdefault(term, []).append(at)
        for beginning in _beginnings(asking):
            by_beginning.setdefault(beginning, []).append(at)
        listed = f"{asking} {answering}"
        groups.append(Related(frozenset(_whole(listed)) - quiet, _beginnings(listed)))
    return by_term, by_beginning, groups


def _whole(listed: str) -> list[str]:
    return [term for entry in listed.split() if not entry.endswith("*") for term in words(entry)]


def _beginnings(listed: str) -> tuple[str, ...]:
    return tuple(entry[:-1] for entry in listed.split() if entry.endswith("*"))


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(words(_document()[name]))


@cache
def _document() -> Any:
    return json.loads(resources.files(__package__).joinpath("thesaurus.json").read_text("utf-8"))
