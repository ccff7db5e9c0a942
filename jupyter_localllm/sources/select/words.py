"""The terms of a text, for ranking: the same for questions and for passages.

A word becomes one or more terms: as it is written, without accents, without a plural's ending. A name made of several
words (``Q3Revenue2024``, ``unit_price``, ``e-mail``) becomes its parts and the whole. Numbers and dates become normal
forms. Scripts that do not part words by spaces become pairs of neighbouring characters, which needs no dictionary
(Ogawa and Matsuda, "Overlapping statistical word indexing", SIGIR 1997).

Everything here takes time in proportion to the text: each pattern reads a character in one way only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, pairwise

from jupyter_localllm.sources.select.numerals import MONTHS, date_terms, number_forms, plain_digits
from jupyter_localllm.sources.select.token import Token
from jupyter_localllm.sources.select.written_dates import join_dates

__all__ = ["tokens", "words"]

_LONGEST = 64  # characters of a term, and of what Unicode normalization gets at once: it is not linear in marks
_LONGEST_NAME = 1024  # characters of a name made of several words; the rest of a longer one is noise

# Scripts written without spaces, and Korean, whose words carry their particles: pairs of characters serve them all.
_DENSE = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u1089\u1780-\u17d3"
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
_MARK_BLOCKS = ((0x300, 0x370), (0x483, 0x48A), (0x591, 0x750), (0x7A6, 0xE00), (0xF00, 0xFD0), (0x1AB0, 0x1B00))
_MORE_MARK_BLOCKS = ((0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xFE20, 0xFE30))


def _marks() -> str:
    """Accents and vowel signs, which no pattern takes for a part of a word; so no character is in both classes."""
    points = chain.from_iterable(range(*block) for block in _MARK_BLOCKS + _MORE_MARK_BLOCKS)
    return "".join(chr(p) for p in points if unicodedata.category(chr(p)).startswith("M"))


_LETTERS = rf"[^\W{_DENSE}]+(?:[{_marks()}\u200c\u200d\u00ad]+[^\W{_DENSE}]*)*"
_THOUSANDS = r",.'\u2019\u0020\u00a0\u202f"  # what may stand between thousands: spaces, too
_FINDER = re.compile(
    rf"""
    (?P<iso>\d{{4}}(?P<s1>[-/.])\d{{1,2}}(?P=s1)\d{{1,2}}(?!\d))
  | (?P<day>\d{{1,2}}(?P<s2>[-/.])\d{{1,2}}(?P=s2)\d{{4}}(?!\d))
  | (?P<east>\d{{4}}\ ?[年년]\ ?\d{{1,2}}\ ?[月월](?:\ ?\d{{1,2}}\ ?[日일])?)
  | (?P<month>\d{{4}}-\d{{2}}(?![\w-]))
  | (?P<grouped>\d{{1,3}}(?P<s3>[{_THOUSANDS}])\d{{3}}(?:(?P=s3)\d{{3}}){{0,9}}(?:[.,]\d{{1,40}})?(?![.,]?\d))
  | (?P<decimal>(?<!\d[.,])\d{{1,40}}[.,]\d{{1,40}}(?![.,]?\d))
  | (?P<number>\d+(?![\w]))
  | (?P<dotted>(?:[^\W\d_{_DENSE}]\.){{2,12}}(?:[^\W\d_{_DENSE}](?!\w))?)
  | (?P<dense>[{_DENSE}]+)
  | (?P<word>{_LETTERS}(?:[-'\u2019\u2010\u2011]{_LETTERS}){{0,3}})
    """,
    re.VERBOSE,
)
_SPLITTER = re.compile(rf"(?:[^\w{_marks()}]|_)+")  # some letters become several, or with a space, when normalized
_ACCENTS = re.compile("[\u0300-\u036f]+")
_INVISIBLE = dict.fromkeys((0x200C, 0x200D, 0xAD))
# letters that Unicode does not take apart
_LETTER_FOLDS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ß": "ss"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def words(text: str) -> list[str]:
    """The terms of a text, in its order.

    Parameters
    ----------
    text : str
        Any text. Lone surrogates and control characters part words.

    Returns
    -------
    list of str
        Terms of at most 64 characters, made of letters, digits, and ``-`` and ``.`` in numbers and dates.

    Examples
    --------
    >>> words("Q3Revenue2024")
    ['q3revenue2024', 'q3', 'revenue', '2024']
    >>> words("1,234 Städte")
    ['1234', '1.234', 'städte', 'stadte', 'staedte']
    """
    found: list[str] = []
    for token in tokens(text):
        found.extend(token.terms())
    return found


def tokens(text: str) -> list[Token]:
    """The words, numbers and dates of a text, in its order.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of Token
        A written date (``5 May 2024``) is one token with three parts.
    """
    found: list[Token] = []
    written = False
    for match in _FINDER.finditer(text):
        kind, raw = match.lastgroup, match.group()
        if kind == "word":
            token = _known_word(raw) if len(raw) <= _LONGEST else _word(raw[:_LONGEST_NAME])
            written = written or token.month > 0
            found.append(token)
        elif kind == "dense":
            found.extend(_pairs(raw))
        else:
            found.append(_number(kind or "", raw))
    return join_dates(found) if written else found


def _number(kind: str, raw: str) -> Token:
    if kind == "dotted":
        return _word(raw.replace(".", ""))
    if kind in ("iso", "day", "east", "month"):
        return _date(kind, [int(n) for n in re.findall(r"\d+", raw)], raw)
    if kind == "grouped":
        pieces = tuple((plain_digits(n).lstrip("0") or "0",) for n in re.findall(r"\d+", raw))
        mark = next(c for c in raw if not c.isdecimal())
        if mark.isspace():  # perhaps numbers that only stand side by side
            return Token(number_forms(raw), pieces, exact=True)
        listed = raw.count(mark) > 1  # perhaps a list of numbers
        return Token(number_forms(raw), (), tuple(p[0] for p in pieces) if listed else (), exact=True)
    return Token(number_forms(raw), exact=True)


def _date(kind: str, numbers: list[int], raw: str) -> Token:
    if kind == "day":
        first, second, year = numbers
        full = date_terms(year, second, first), date_terms(year, first, second)  # which of them is not ours to guess
        names = tuple(dict.fromkeys(date[0] for date in full if date))
        months = dict.fromkeys(date[1] for date in full if date)
        if names:
            return Token(names, (), (*months, str(year)), exact=True)
    else:
        date = date_terms(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else None)
        if date:
            return Token(date[:1], (), date[1:], exact=True)
    return Token((), tuple((str(n),) for n in numbers), exact=True)


def _pairs(raw: str) -> Iterator[Token]:
    run = "".join(unicodedata.normalize("NFKC", raw[i : i + _LONGEST]) for i in range(0, len(raw), _LONGEST))
    run = "".join(c for c in run if c.isprintable() and not c.isspace())
    if len(run) == 1:
        yield Token((run,), exact=True)
    for first, second in pairwise(run):
        yield Token((first + second,), (), (first,) if "\u3400" <= first <= "\u9fff" else (), exact=True)
    if len(run) > 1 and "\u3400" <= run[-1] <= "\u9fff":
        yield Token((), (), (run[-1],), exact=True)


def _word(raw: str) -> Token:
    if raw.isascii() and raw.isalpha() and (raw.islower() or raw[1:].islower()):
        return _plain(raw.lower(), loud=False)
    visible = raw.translate(_INVISIBLE)
    shown = "".join(unicodedata.normalize("NFKC", visible[i : i + _LONGEST]) for i in range(0, len(visible), _LONGEST))
    runs = _SPLITTER.split(shown)
    pieces = [piece for run in runs for piece in _humps(run)]
    loud = len(raw) > 1 and raw.isupper()
    whole = "".join(runs)
    if len(pieces) < 2:
        return _plain(_small(pieces[0] if pieces else whole), loud)
    parts = tuple(_forms(_small(p)) for p in pieces if len(p) > 1 or p.isdigit() or not p.isascii())
    small = "" if len(runs) > 1 and whole.isdecimal() else _small(whole)  # a half is not twelve
    return Token(_forms(small) if small else (), tuple(p for p in parts if p[0]), loud=loud)


_known_word = lru_cache(maxsize=1 << 15)(_word)  # most words of a text have been seen in it before


def _plain(small: str, loud: bool) -> Token:
    return Token(_forms(small) if small else (), month=MONTHS.get(small, 0), loud=loud)


def _small(text: str) -> str:
    """Without case; some letters fall apart by it, so it is normalized once more."""
    small = text[:_LONGEST].casefold()
    return small[:_LONGEST] if small.isascii() else _SPLITTER.sub("", unicodedata.normalize("NFKC", small))[:_LONGEST]


def _forms(small: str) -> tuple[str, ...]:
    """As it is, without accents, with umlauts written out, without the ending of a plural."""
    if small.isdecimal():
        return number_forms(small)
    if small.isascii():
        stem = _singular(small)
        return (small,) if stem == small else (small, stem)
    folded = _fold(small)
    return tuple(dict.fromkeys((small, folded, _fold(small.translate(_UMLAUTS)), _singular(folded))))


def _fold(small: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", small)).translate(_LETTER_FOLDS)
    return unicodedata.normalize("NFC", bare)[:_LONGEST] or small


def _singular(word: str) -> str:
    """Without a plural's s, as English, French, Spanish and Portuguese have it; other endings are the ranking's matter.

    After Harman's "S stemmer" (How effective is suffixing?, JASIS 42, 1991), which leaves -ss, -us and -is alone.
    """
    if len(word) < 4 or not word.endswith("s") or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word if word[-2] in "sui" else word[:-1]


def _humps(run: str) -> list[str]:
    """Parts of a name: ``unitPrice``, ``HTTPServer``, ``Q3Revenue2024``, ``10km``; one letter stays with its number."""
    if not run or run.isdecimal() or (run.isalpha() and (run.islower() or run[1:].islower() or run.isupper())):
        return [run] if run else []
    cuts = [0]
    for i in range(1, len(run)):
        before, here, behind = run[i - 1], run[i], run[i + 1 : i + 2]
        if here.isdecimal() != before.isdecimal():
            letter = i - cuts[-1] == 1 if here.isdecimal() else not behind.isalpha()
            parted = not letter
        else:
            parted = here.isupper() and (before.islower() or (before.isupper() and behind.islower() and behind != "s"))
        if parted:
            cuts.append(i)
    return [run[a:b] for a, b in zip(cuts, [*cuts[1:], len(run)], strict=True)]
