"""What a sentence says that can be looked up: numbers, dates, names, and the words that say of what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jupyter_localllm.cite.dates import Date, dates_in
from jupyter_localllm.cite.numbers import Number, numbers_in
from jupyter_localllm.cite.words import NEGATIONS, fold

__all__ = ["UNSPACED", "Facts", "Word", "facts_of"]

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003134f"
"""Scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese."""

_WORD = re.compile(
    rf"""(?P<figures>\w*\d[\w]*(?:[.,:/'’\-\u2010-\u2014]\w*\d\w*)*)
      | (?P<unspaced>[{UNSPACED}]+)
      | (?P<word>(?:(?![{UNSPACED}])[^\W\d_])+(?:['’](?:(?![{UNSPACED}])[^\W\d_])+)*)""",
    re.VERBOSE,
)
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)
_ELIDED = re.compile(r"^(?:[ldjnsmtc]|qu)['’](?=\w)", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT = re.compile(r"n['’]t$", re.IGNORECASE)
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
    """

    text: str
    folded: str
    start: int
    end: int
    name: bool = False
    first: bool = False
    figures: bool = False
    unspaced: bool = False


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
    """

    numbers: tuple[Number, ...]
    dates: tuple[Date, ...]
    words: tuple[Word, ...]
    negative: bool


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
    compounds = [(w.start(), w.end()) for w in _WORD.finditer(rest) if w["figures"] and re.search(r"\d[:/]\d", w[0])]
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
        folded = fold(text_of)
        negative |= folded in NEGATIONS or bool(_NOT.search(found[0]))
        if not folded:
            continue
        figures = bool(found["figures"])
        first = bool(_STARTS.search(rest[max(0, found.start() - 4) : found.start()].strip("\"'“”„«»()[]*_ ") or " "))
        first = first or found.start() == len(rest) - len(rest.lstrip(" \"'“„«([*_"))
        capital = text_of[0].isupper() or text_of[0].istitle()
        for part in dict.fromkeys((text_of, *_CAMEL.split(text_of))):
            name = figures or (capital and not first) or (len(part) > 1 and part.isupper())
            words.append(Word(part, fold(part), found.start(), found.end(), name, first and capital, figures))
    return Facts(numbers, dates, tuple(words), negative)


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with spaces in the place of some spans."""
    kept, at = [], 0
    for start, end in sorted(spans):
        kept += [text[at:start], " " * (end - start)]
        at = max(at, end)
    return "".join([*kept, text[at:]])
