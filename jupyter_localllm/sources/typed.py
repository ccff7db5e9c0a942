# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Numbers and moments in cells that are text, as tables from the web and from spreadsheets have them.

A moment is written as ISO 8601 to the precision it has, ``"2005"``, ``"2005-03"``, ``"2005-03-14"``, so that moments
compare as texts do. One without a year begins with ``"0000"``: the order within the year is all that is known.
"""

from __future__ import annotations

import re

from jupyter_localllm.sources.tokens import fold

__all__ = ["is_month", "moment", "number"]

_REMARK = re.compile(r"\[[^\]]*\]")
_NUMBER = re.compile(
    r"[^\w\-+(−]{0,3}\s*(?P<number>[-+−]?(?:\d{1,3}(?:[,\u2009\u202f\u00a0' ]\d{3})+|\d+)(?:\.\d+)?|[-+−]?\.\d+)"
    r"\s*(?:%|‰|(?:[^\d\W][^\d]{0,12})|\(.*\)|[*†‡#\"'′″]{1,3})?\s*"
)
_COMMA = re.compile(r"[^\w\-+(−]{0,3}\s*(?P<number>[-+−]?\d+,\d{1,2})\s*(?:%|€|[^\d\W]{1,6})?\s*")
_CLOCK = re.compile(r"(?:(?P<hours>\d{1,3}):)?(?P<minutes>\d{1,3}):(?P<seconds>\d{2}(?:\.\d+)?)\s*\D{0,4}")
_GAPS = str.maketrans("", "", ",'\u2009\u202f\u00a0 ")
_ISO = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?(?:[T ].*)?$")
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_LONGEST = 64  # characters; a longer cell is prose

_MONTHS = {
    fold(name): number
    for number, names in enumerate(
        (
            "january jan januar janvier enero gennaio janeiro januari jän stycznia",
            "february feb februar février febrero febbraio fevereiro februari lutego",
            "march mar märz mars marzo março maart marca",
            "april apr avril abril aprile kwietnia",
            "may mai mayo maggio maio mei maja",
            "june jun juni juin junio giugno junho czerwca",
            "july jul juli juillet julio luglio julho lipca",
            "august aug août agosto augustus sierpnia",
            "september sep sept septembre septiembre settembre setembro września",
            "october oct oktober okt octobre octubre ottobre outubro października",
            "november nov novembre noviembre novembro listopada",
            "december dec dezember dez décembre diciembre dicembre dezembro grudnia",
        ),
        start=1,
    )
    for name in names.split()
}


def number(text: str) -> float | None:
    """Read the number that a cell is, whatever stands around it.

    Times (``"2:00.86"``) are read as seconds.

    Parameters
    ----------
    text : str

    Returns
    -------
    float or None
        None if the cell is not one number.

    Examples
    --------
    >>> number("$40,606"), number("14 (7)"), number("2:00.86"), number("4 - 3")
    (40606.0, 14.0, 120.86, None)
    """
    if len(text) > _LONGEST:
        return None
    text = _REMARK.sub("", text).strip()
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours = int(clock["hours"] or 0)
        return (hours * 60 + int(clock["minutes"])) * 60 + float(clock["seconds"])
    found = _NUMBER.fullmatch(text)
    if found:
        return float(found["number"].translate(_GAPS).replace("−", "-"))
    found = _COMMA.fullmatch(text)
    return float(found["number"].replace(",", ".").replace("−", "-")) if found else None


def moment(text: str) -> str | None:
    """Read the date that a cell is.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        ISO 8601, to the precision that is there; None if the cell is not a date.

    Examples
    --------
    >>> moment("14 March 2005"), moment("September 1"), moment("1990"), moment("4 - 3")
    ('2005-03-14', '0000-09-01', '1990', None)
    """
    if len(text) > _LONGEST:
        return None
    text = _REMARK.sub("", text).strip()
    iso = _ISO.match(text)
    if iso:
        return "-".join(part for part in iso.groups() if part)
    parts = _PARTS.findall(fold(text))
    if not parts or len(parts) > 7:
        return None
    months = [_MONTHS[part] for part in parts if part in _MONTHS]
    years = [part for part in parts if len(part) == 4 and part.isdecimal() and 1000 <= int(part) <= 2199]
    days = [int(part) for part in parts if part.isdecimal() and len(part) <= 2 and 1 <= int(part) <= 31]
    if months:
        head = f"{years[0] if years else '0000'}-{months[0]:02d}"
        return f"{head}-{days[0]:02d}" if days else head
    return years[0] if years and len(parts) <= 2 else None


def is_month(word: str) -> bool:
    """Whether a word, folded, is the name of a month.

    Examples
    --------
    >>> is_month("march"), is_month("fevrier"), is_month("match")
    (True, True, False)
    """
    return word in _MONTHS
