"""When two answers are the same: the rules of WikiTableQuestions, numbers as they are shown, and a value in a text.

The first half follows the published description of that benchmark's evaluator (version 1.0.2; Pasupat and Liang, ACL
2015, arXiv 1508.00305): strings are compared without accents, quotes, notes in brackets and case; numbers by value;
dates by their parts; lists as sets. The benchmark's own canonical values are not in the tables' folder, so targets are
read the same way as predictions: thousands separators are understood, and dates in ISO form or with an English month.
"""

# ruff: noqa: RUF001 (other languages, and characters that look like others, are what this is about)

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "MARK",
    "Number",
    "as_items",
    "denotes",
    "folded",
    "number",
    "numbers",
    "same_number",
    "same_value",
    "simplified",
    "spelt",
    "stands_in",
    "target_items",
    "without_marks",
]

MARK = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_QUOTES = {**dict.fromkeys(map(ord, "‘’´`"), "'"), **dict.fromkeys(map(ord, "“”„«»"), '"')}
_NOTES = re.compile(r"((?<!^)\[[^\]]*\]|\[\d+\]|[•♦†‡*#+])*$")
_DETAILS = re.compile(r"(?<!^)( \([^)]*\))*$")
_QUOTED = re.compile(r'^"([^"]*)"$')
_FULL = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\.\d+")
# thousands by comma, apostrophe or a narrow space; a comma before one or two digits is a decimal one
_IN_TEXT = re.compile(
    r"(?<![\w.,])(?P<sign>(?<![^\s(:=≈~$€£])-)?"
    r"(?P<whole>\d{1,3}(?:[,'\u2009\u202f\u00a0]\d{3})+|\d+|(?=\.\d))(?P<part>\.\d+|,\d{1,2}(?!\d))?(?!\d)"
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ISO = re.compile(r"(\d{4}|xxxx)-(\d\d?|xx)-(\d\d?|xx)", re.IGNORECASE)
_DAY_OF = re.compile(rf"({'|'.join(_MONTHS)}) (\d\d?)(?:,? (\d{{4}}))?|(\d\d?) ({'|'.join(_MONTHS)})(?:,? (\d{{4}}))?")


def folded(text: str) -> str:
    """Without accents, case, kinds of dashes and quotes, and runs of white space."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")
    return re.sub(r"\s+", " ", plain.translate(_DASHES).translate(_QUOTES)).casefold().strip()


def simplified(text: str) -> str:
    """A string as WikiTableQuestions compares it.

    Examples
    --------
    >>> simplified('"The  Café" (1989)[2]')
    'the cafe'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")
    plain = plain.translate(_DASHES).translate(_QUOTES)
    while True:
        before = plain
        plain = _NOTES.sub("", plain.strip())
        plain = _DETAILS.sub("", plain.strip())
        plain = _QUOTED.sub(r"\1", plain.strip())
        if plain == before:
            break
    return re.sub(r"\s+", " ", plain.removesuffix(".")).lower().strip()


def number(text: str) -> float | None:
    """The number that the whole text is, or None."""
    plain = text.strip().translate(_DASHES)
    return float(plain.replace(",", "")) if _FULL.fullmatch(plain) else None


def _date(text: str) -> tuple[int | None, int | None, int | None] | None:
    """Year, month, day as far as told; None for what is no date or only a year."""
    iso = _ISO.fullmatch(text.strip())
    if iso:
        year, month, day = (None if "x" in part.lower() else int(part) for part in iso.groups())
        return (year, month, day) if month or day else None
    told = _DAY_OF.fullmatch(text.strip().lower())
    if not told:
        return None
    name, of_month, of_year = (told[1], told[2], told[3]) if told[1] else (told[5], told[4], told[6])
    return (int(of_year) if of_year else None, _MONTHS.index(name) + 1, int(of_month))


def _matches(target: str, predicted: str) -> bool:
    one, other = simplified(target), simplified(predicted)
    if one == other and one:
        return True
    amount, told = number(one), number(other)
    if amount is not None and told is not None:
        return abs(amount - told) < 1e-6
    day = _date(one)
    return day is not None and day == _date(other)


def denotes(targets: Iterable[str], predicted: Iterable[str]) -> bool:
    """Whether two lists are the same set: equally many values, and each target among those predicted.

    Examples
    --------
    >>> denotes(["1,200", "Reds"], ["reds", "1200.0"])
    True
    """
    wanted = list({simplified(t): t for t in targets}.values())
    given = list({simplified(p): p for p in predicted}.values())
    return len(wanted) == len(given) and all(any(_matches(t, p) for p in given) for t in wanted)


def target_items(target: str) -> list[str]:
    """The values of a ``targetValue``: a list is joined by ``|``, with escapes for newline, backslash and pipe."""
    escapes = {r"\n": "\n", r"\p": "|", r"\\": "\\"}
    return [re.sub(r"\\[np\\]", lambda m: escapes[m[0]], item) for item in target.split("|")]


def as_items(value: Any) -> list[str]:
    """A value of Python as the texts of its items; nothing for None."""
    if isinstance(value, dict):
        value = list(value.values())
    for listing in ("tolist", "to_list"):  # numpy and pandas, polars
        value = getattr(value, listing)() if hasattr(value, listing) else value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [text for item in value for text in as_items(item)]
    text = _as_text(value)
    return [] if text is None else [text]


def _as_text(value: Any) -> str | None:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return None if math.isnan(value) else str(int(value)) if value.is_integer() else repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)


@dataclass(frozen=True)
class Number:
    """A number as it stands in a text."""

    value: float
    decimals: int
    text: str


def numbers(text: str) -> list[Number]:
    """The numbers of a text; of ranges (``41-10``) and scores both ends, without signs.

    Examples
    --------
    >>> [n.value for n in numbers("1,887 of -3.5 in 41-10")]
    [1887.0, -3.5, 41.0, 10.0]
    """
    found = []
    for match in _IN_TEXT.finditer(text.translate(_DASHES)):
        part = (match["part"] or "").replace(",", ".")
        value = float("0" + re.sub(r"\D", "", match["whole"]) + part)
        found.append(Number(-value if match["sign"] else value, max(0, len(part) - 1), match[0]))
    return found


def same_number(truth: float, shown: Number) -> bool:
    """Whether a number in a text is this one, rounded to the digits shown (three that count, at least, or decimals)."""
    if math.isclose(truth, shown.value, rel_tol=1e-9, abs_tol=1e-9):
        return True
    digits = re.sub(r"\D", "", shown.text).lstrip("0")
    rounded = math.isclose(truth, shown.value, abs_tol=0.5 * 10.0**-shown.decimals * (1 + 1e-6))
    return rounded and not float(truth).is_integer() and (shown.decimals > 0 or len(digits) >= 3)


def without_marks(text: str) -> str:
    """The text without ``[1]``."""
    return re.sub(rf"\s*{MARK.pattern}", "", text)


def stands_in(gold: str, text: str) -> bool:
    """Whether a cell's value is told in a text, as a phrase of its own or as a number of the same value.

    Examples
    --------
    >>> stands_in("1,887", "It is 1887 [1]."), stands_in("18", "It is 1887 [1].")
    (True, False)
    """
    amount = number(simplified(gold))
    if amount is not None and any(math.isclose(amount, n.value, abs_tol=1e-9) for n in numbers(without_marks(text))):
        return True
    plain = re.sub(r"\\([^\w\s])", r"\1", text)  # Markdown's escapes
    told = [folded(without_marks(plain)), *([folded(plain)] if "[" in gold else [])]
    wanted = {folded(gold)} | {s for s in [folded(simplified(gold))] if len(s) >= 3}
    return any(_phrase(w, t) for w in wanted if w for t in told)


def spelt(text: str) -> str:
    """The text with small numbers in words written as digits.

    Examples
    --------
    >>> spelt("Seven arches")
    '7 arches'
    """
    words = "zero one two three four five six seven eight nine ten eleven twelve thirteen".split()  # noqa: SIM905
    return re.sub(rf"\b({'|'.join(words)})\b", lambda m: str(words.index(m[0].lower())), text, flags=re.IGNORECASE)


def _phrase(wanted: str, text: str) -> bool:
    before = r"(?<![^\W_])" if wanted[0].isalnum() else ""
    after = r"(?![^\W_])" if wanted[-1].isalnum() else ""
    if wanted[0].isdigit():
        before += r"(?<!\d[.,])"
    if wanted[-1].isdigit():
        after += r"(?![.,]\d)"
    return re.search(before + re.escape(wanted) + after, text) is not None or (
        not wanted.isascii() and wanted in text  # Chinese and Japanese put no spaces between words
    )


def same_value(gold: str, value: Any) -> bool:
    """Whether what was looked up is this cell's value."""
    items = as_items(value)
    return bool(items) and denotes([gold], items)
