# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""What a sentence says that can be looked up: numbers, dates, names, and the words that say of what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from jupyter_localllm.cite.dates import Date, dates_in
from jupyter_localllm.cite.numbers import Number, numbers_in
from jupyter_localllm.cite.units import unit_named
from jupyter_localllm.cite.words import ABOUT, FILLING, NEGATIONS, SCALES, fold

__all__ = ["UNSPACED", "Facts", "Word", "content_words", "facts_of", "without_labels"]

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003134f"
)
"""Scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese."""

_WORD = re.compile(
    rf"""(?P<figures>\w*\d[\w]*(?:[.,:/'’\-\u2010-\u2015\u2212]\w*\d\w*)*)
      | (?P<unspaced>[{UNSPACED}]+)
      | (?P<word>(?:(?![{UNSPACED}])[^\W\d_])+(?:['’](?:(?![{UNSPACED}])[^\W\d_])+)*)""",
    re.VERBOSE,
)
# 12:30, 3/4, and scores such as 3-1; years with a dash between them are two numbers
_COMPOUND = re.compile(r"\d[:/]\d|^\d{1,3}[\-\u2010-\u2015\u2212]\d{1,3}(?!\d)")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)
_ELIDED = re.compile(r"^(?:[ldjnsmtc]|qu)['’](?=\w)", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT = re.compile(r"n['’]t$", re.IGNORECASE)
_GOES_ON = re.compile(r"\.\s*\S")
_STARTS = re.compile(r"(?<!\b[A-Z])[.!?:;。\n|]\s*$|^\s*$")
_UNSPACED_NOT = tuple(word for word in NEGATIONS if re.fullmatch(f"[{UNSPACED}]+", word))


@dataclass(frozen=True)
class Word:
    """A word of a sentence.

    Parameters
    ----------
    text : str
        As it is written.
    folded : str
        As it is compared.
    start, end : int
        Where, in characters.
    name : bool
        Whether it is written with a capital where nothing else asks for one, or holds digits.
    first : bool
        Whether it begins a sentence, so that its capital says nothing.
    figures : bool
        Whether it holds digits: an identifier, a score, a time. It is compared letter by letter.
    unspaced : bool
        Whether it is a run of a script without spaces.
    label : bool
        Whether it is the whole name of a row, which may hold numbers.
    """

    text: str
    folded: str
    start: int
    end: int
    name: bool = False
    first: bool = False
    figures: bool = False
    unspaced: bool = False
    label: bool = False


@dataclass(frozen=True)
class Facts:
    """What was found in a sentence, each in the order of the text.

    Parameters
    ----------
    numbers : tuple of Number
    dates : tuple of Date
    words : tuple of Word
    negative : bool
        Whether it says that something is not so.
    text : str
        The sentence.
    """

    numbers: tuple[Number, ...]
    dates: tuple[Date, ...]
    words: tuple[Word, ...]
    negative: bool
    text: str = ""

    @property
    def figures(self) -> tuple[Number | Date, ...]:
        """Numbers and dates, in the order of the text."""
        both: list[Number | Date] = [*self.numbers, *self.dates]
        return tuple(sorted(both, key=lambda figure: figure.start))


@lru_cache(maxsize=512)
def facts_of(text: str) -> Facts:
    """What a text says that can be looked up.

    Examples
    --------
    >>> facts = facts_of("On 5 May 2024 Berlin had 3.9 million inhabitants.")
    >>> [d.text for d in facts.dates], [n.text for n in facts.numbers], [w.text for w in facts.words if w.name]
    (['5 May 2024'], ['3.9 million'], ['Berlin'])
    """
    dates = tuple(dates_in(text))
    rest = _blanked(text, [(date.start, date.end) for date in dates])
    compounds = [(w.start(), w.end()) for w in _WORD.finditer(rest) if w["figures"] and _COMPOUND.search(w[0])]
    numbers = tuple(numbers_in(_blanked(rest, compounds)))
    rest = _blanked(rest, [(number.start, number.end) for number in numbers])
    words: list[Word] = []
    negative = False
    for found in _WORD.finditer(rest):
        if found["unspaced"]:
            negative |= any(word in found[0] for word in _UNSPACED_NOT)
            words.append(Word(found[0], fold(found[0]), found.start(), found.end(), unspaced=True))
            continue
        text_of = _ELIDED.sub("", _POSSESSIVE.sub("", found[0]))
        folded = _DASHES.sub("-", fold(text_of))
        counted = folded == "no" and bool(_GOES_ON.match(text, found.end()))  # "No. 5"
        negative |= (folded in NEGATIONS and not counted) or bool(_NOT.search(found[0]))
        if not folded:
            continue
        figures = bool(found["figures"])
        first = bool(_STARTS.search(text[max(0, found.start() - 4) : found.start()].strip("\"'“”„«»()[]*_ ") or " "))
        first = first or found.start() == len(text) - len(text.lstrip(" \"'“„«([*_"))
        capital = text_of[0].isupper() or text_of[0].istitle()
        for part in dict.fromkeys((text_of, *_CAMEL.split(text_of))):
            initial = len(part) == 1 and bool(_GOES_ON.match(rest, found.end()))
            name = figures or (capital and not first and not initial) or (len(part) > 1 and part.isupper())
            words.append(
                Word(part, _DASHES.sub("-", fold(part)), found.start(), found.end(), name, first and capital, figures)
            )
    return Facts(numbers, dates, tuple(words), negative, text)


def content_words(facts: Facts, start: int = 0, end: int = 10**9) -> list[Word]:
    """The words that say something which a passage must carry."""
    found = []
    for at, word in enumerate(facts.words):
        beside = (*facts.words[max(0, at - 1) : at], *facts.words[at + 1 : at + 2])
        title = word.name and any(other.name and _says_nothing(other) for other in beside)  # "It Is What It Is"
        if start <= word.start < end and (title or not _says_nothing(word)):
            found.append(word)
    return found


def _says_nothing(word: Word) -> bool:
    if word.label or word.figures:
        return False
    if len(word.folded) == 1 and not word.unspaced:  # the A of "group A", not that of "Nicholas A. Smith"
        return word.text.isascii() and not (word.name and word.text not in ("I", "A"))
    if word.name and word.text.isupper() and len(word.text) > 1:
        return False  # "DIE", "IT", "US"
    folded = word.folded
    silent = folded in FILLING or folded in ABOUT or folded in NEGATIONS or folded in SCALES
    return silent or (not word.name and len(word.text) < 3 and bool(unit_named(word.text)))


def without_labels(facts: Facts, text: str, labels: Iterable[str]) -> Facts:
    """The facts of a text that names rows whose names hold numbers: "Sixteen Candles" is no sixteen.

    Parameters
    ----------
    facts : Facts
    text : str
    labels : iterable of str
        Names of rows.
    """
    folded = text.lower()
    if len(folded) != len(text):
        return facts
    spans: list[tuple[int, int]] = []
    for label in sorted(labels, key=len, reverse=True):
        for found in re.finditer(rf"(?<!\w){re.escape(label.lower())}(?![\w]|[.,]\d)", folded):
            if all(found.end() <= start or end <= found.start() for start, end in spans):
                spans.append(found.span())
    if not spans:
        return facts

    def free(fact: Number | Date | Word) -> bool:
        return not any(start <= fact.start and fact.end <= end for start, end in spans)

    names = [Word(text[a:b], fold(text[a:b]), a, b, name=True, label=True) for a, b in spans]
    words = sorted([*filter(free, facts.words), *names], key=lambda word: word.start)
    return replace(
        facts, numbers=tuple(filter(free, facts.numbers)), dates=tuple(filter(free, facts.dates)), words=tuple(words)
    )


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with spaces in the place of some spans."""
    kept, at = [], 0
    for start, end in sorted(spans):
        kept += [text[at:start], " " * (end - start)]
        at = max(at, end)
    return "".join([*kept, text[at:]])
