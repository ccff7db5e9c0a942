"""Numbers and dates in one normal form, so that ``1,234`` finds ``1234`` and ``5 May 2024`` finds ``2024-05-05``."""

from __future__ import annotations

import unicodedata

__all__ = ["MONTHS", "date_terms", "number_forms", "plain_digits"]

_LONGEST = 64  # characters of a term; what is longer is a key or noise, and its beginning tells it from others

_MONTH_NAMES = (
    "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari",
    "february feb februar februari février févr febrero febbraio fevereiro fev",
    "march mar märz mär mars marzo março maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août agosto ago augustus",
    "september sep sept septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc diciembre dic dicembre dezembro",
)

MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
"""Names of months, and their usual short forms, in English, German, French, Spanish, Italian, Portuguese and Dutch."""


def plain_digits(text: str) -> str:
    """The same number in the digits 0 to 9, whatever the script."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def number_forms(text: str) -> tuple[str, ...]:
    """What a number may mean, as terms: without separators of thousands, leading zeros, and zeros behind the point.

    ``1.234`` is a little more than one in English and more than a thousand in German; it gives both forms.

    Parameters
    ----------
    text : str
        Digits with at most separators between them.

    Examples
    --------
    >>> number_forms("1,234")
    ('1234', '1.234')
    >>> number_forms("12.40")
    ('12.4',)
    >>> number_forms("007")
    ('7', '007')
    """
    digits = plain_digits(text)[:_LONGEST]
    groups = "".join(c if c.isdigit() else " " if c not in ".," else c for c in digits)
    groups = groups.replace(" ", "")
    marks = [c for c in groups if c in ".,"]
    if not marks:
        return _distinct(_trim(groups), groups)
    if len(set(marks)) == 2:  # the last one is the decimal point: 1,234.5 or 1.234,5
        whole, _, part = groups.rpartition(marks[-1])
        return (_decimal(whole, part),)
    whole, _, part = groups.rpartition(marks[0])
    if len(marks) > 1:
        return (_trim(whole.replace(marks[0], "") + part),)
    if len(part) != 3 or len(whole) > 3 or whole.strip("0") == "":
        return (_decimal(whole, part),)
    thousand, decimal = _trim(whole + part), _decimal(whole, part)
    return (thousand, decimal) if marks[0] == "," else (decimal, thousand)


def date_terms(year: int, month: int, day: int | None) -> tuple[str, ...]:
    """Normal forms of a date, the most exact one first; empty if there is no such date.

    Examples
    --------
    >>> date_terms(2024, 5, 5)
    ('2024-05-05', '2024-05', '2024')
    >>> date_terms(2024, 13, 5)
    ()
    """
    if not (1000 <= year <= 2999 and 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return ()
    coarse = (f"{year}-{month:02}", str(year))
    return coarse if day is None else (f"{year}-{month:02}-{day:02}", *coarse)


def _trim(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _decimal(whole: str, part: str) -> str:
    kept = part.rstrip("0")
    left = _trim("".join(c for c in whole if c.isdigit()))
    return f"{left}.{kept}" if kept else left


def _distinct(*forms: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(forms))
