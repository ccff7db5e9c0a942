# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Numbers and moments in cells that are text, as tables from the web and from spreadsheets have them.

A moment is written as ISO 8601 to the precision it has, ``"2005"``, ``"2005-03"``, ``"2005-03-14"``, so that moments
compare as texts do. One without a year begins with ``"0000"``: the order within the year is all that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isinf

from jupyter_localllm.sources.tokens import fold

__all__ = ["Amount", "amount", "exact", "is_month", "moment", "number", "unclear", "with_commas"]

_REMARK = re.compile(r"\[[^\]]*\]")
_NUMBER = re.compile(
    r"(?P<sign>[-+−]?)(?P<before>[^\w\-+(−.]{0,3})\s*"
    r"(?P<number>[-+−]?(?:\d{1,3}(?:[,\u2009\u202f\u00a0' ]\d{3})+|\d+)(?:\.\d+)?|[-+−]?\.\d+)"
    r"(?P<power>[eE][-+]?\d{1,3})?\s*(?P<unit>%|‰|[^\d\W][^\d]{0,20})?\s*(?:\(.*\)|[*†‡#\"'′″]{1,3})?\s*"
)
_LOSS = re.compile(r"\(\s*(?P<number>[\d.,' ]+)\s*\)")
_CLOCK = re.compile(r"(?:(?P<hours>\d{1,3}):)?(?P<minutes>\d{1,3}):(?P<seconds>\d{2}(?:\.\d+)?)\s*\D{0,4}")
_GAPS = str.maketrans("", "", ",'\u2009\u202f\u00a0 ")
_COMMA = re.compile(r"\d,\d{1,2}(?!\d)|\d\.\d{3}\.\d{3}|\d\.\d{3},\d")
_POINT = re.compile(r"\d\.\d{1,2}(?!\d)|\d\.\d{4}|\d,\d{3},\d{3}|\d,\d{3}\.\d")
_THOUSANDS = re.compile(r"\D{0,3}[1-9]\d{0,2}\.\d{3}\D{0,4}")
_SWAPPED = str.maketrans({".": None, ",": "."})
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


@dataclass(frozen=True)
class Amount:
    """A number in a cell.

    Parameters
    ----------
    value : float
        Words such as "million" are multiplied in.
    unit : str
        What stands behind it, folded: ``"km"``, ``"%"``; empty for none; ``":"`` for a time in seconds.
    """

    value: float
    unit: str = ""


def amount(text: str, *, comma: bool = False) -> Amount | None:
    """Read the number that a cell is, and its unit.

    Times (``"2:00.86"``) are read as seconds, numbers in brackets as losses.

    Parameters
    ----------
    text : str
    comma : bool
        Whether the comma stands before the decimals, see `with_commas`.

    Returns
    -------
    Amount or None
        None if the cell is not one number.

    Examples
    --------
    >>> amount("3.8 million"), amount("12 km"), amount("2:00.5")
    (Amount(value=3800000.0, unit=''), Amount(value=12.0, unit='km'), Amount(value=120.5, unit=':'))
    >>> amount("(1,234)"), amount("4 - 3")
    (Amount(value=-1234.0, unit=''), None)
    """
    if len(text) > _LONGEST:
        return None
    text = _REMARK.sub("", text).strip()
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours = int(clock["hours"] or 0)
        return Amount((hours * 60 + int(clock["minutes"])) * 60 + float(clock["seconds"]), ":")
    text = text.translate(_SWAPPED) if comma else text
    loss = _LOSS.fullmatch(text)
    found = _NUMBER.fullmatch(loss["number"] if loss else text)
    if not found:
        return None
    value = float((found["number"].translate(_GAPS) + (found["power"] or "")).replace("−", "-"))
    value = -value if found["sign"] in ("-", "−") and found["number"][0] not in "-−" else value
    if isinf(value):  # hundreds of digits
        return None
    unit = fold(found["unit"] or found["before"].strip()).strip(" .~<>≈")
    word, _, rest = unit.partition(" ")
    if word in _SCALES:
        value, unit = value * _SCALES[word], rest.strip()
    return Amount(-value if loss else value, "" if unit in _ORDINALS else unit)


_SCALES = {
    **dict.fromkeys(("thousand", "thousands", "tsd", "tausend", "mille", "mil", "mila"), 1e3),
    **dict.fromkeys(("million", "millions", "mio", "millionen", "millones", "milioni", "milhoes", "mln", "mn"), 1e6),
    **dict.fromkeys(("billion", "billions", "bn", "mrd", "milliarde", "milliarden", "miliardi"), 1e9),
    **dict.fromkeys(("trillion", "trillions"), 1e12),
}
_ORDINALS = frozenset({"st", "nd", "rd", "th", "e", "er", "eme", "ème", "o", "a", "º", "ª"})


def number(text: str) -> float | None:
    """The number that a cell is, whatever stands around it; see `amount`.

    Examples
    --------
    >>> number("$40,606"), number("14 (7)"), number("2:00.86"), number("4 - 3")
    (40606.0, 14.0, 120.86, None)
    """
    found = amount(text, comma=with_commas([text]))
    return found.value if found is not None else None


def with_commas(texts: Iterable[str]) -> bool:
    """Whether the cells of a column have the comma before the decimals: some make sense only so, and none otherwise.

    Examples
    --------
    >>> with_commas(["1.234,50", "99,90"]), with_commas(["1,234.50", "99.90"]), with_commas(["1.234", "5"])
    (True, False, False)
    """
    found = list(texts)
    return any(map(_COMMA.search, found)) and not any(map(_POINT.search, found))


def unclear(texts: Iterable[str]) -> bool:
    """Whether nobody can say if the points of a column are decimals: ``"1.234"`` and ``"2.500"`` alone.

    Examples
    --------
    >>> unclear(["1.234", "2.500", "999"]), unclear(["1.234", "2.5"])
    (True, False)
    """
    pointed = [text for text in texts if "." in text and any(map(str.isdigit, text))]
    return len(pointed) > 1 and all(map(_THOUSANDS.fullmatch, pointed))


def exact(digits: str) -> int | float:
    """A number of a question, whole ones without loss.

    Examples
    --------
    >>> exact("1234567890123456789"), exact("2.5")
    (1234567890123456789, 2.5)
    """
    if digits.isdecimal() and len(digits) <= 19 and int(digits) < 2**63:  # the largest that columns compare with
        return int(digits)
    return float(digits)


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
        year, month, day = (int(part) if part else 0 for part in iso.groups())
        if 1 <= month <= 12 and (iso[3] is None or 1 <= day <= 31):  # "1998-99" is a season
            return f"{year:04d}-{month:02d}" + (f"-{day:02d}" if iso[3] else "")
    parts = _PARTS.findall(fold(text))
    if not parts or len(parts) > 7:
        return None
    months = [_MONTHS[part] for part in parts if part in _MONTHS]
    years = [str(int(part)) for part in parts if len(part) == 4 and part.isdecimal() and 1000 <= int(part) <= 2199]
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
