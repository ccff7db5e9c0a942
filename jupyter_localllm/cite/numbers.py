# ruff: noqa: RUF001, RUF002 - signs that look alike are what has to be read here
"""Numbers as people write them, with what is known of their precision.

A number is kept with the step of its last digit: ``12.4`` has the step 0.1 and is said of 12.38, ``3.8 million`` has
the step 100,000. What can be read in two ways (``1.234``) keeps both readings, the English one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from jupyter_localllm.cite.units import CURRENCIES, PERCENT, UNITS, unit_named
from jupyter_localllm.cite.words import ABOUT, NUMBER_WORDS, SCALES, fold

__all__ = ["Number", "Reading", "numbers_in", "plain_digits"]

_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u024f\u0370-\u052f"
_SPACES = " \u00a0\u2009\u202f"
_SIGNS = "\\-\u2212\u2010\u2011\u2012\u2013"
_SYMBOLS = "$€£¥₹"
_MOST_DIGITS = 40
_CODES = "|".join(sorted((w for w, u in UNITS.items() if u in CURRENCIES and w.isupper() and w.isalpha()), key=len))

_NUMBER = re.compile(
    rf"""(?<![{_LATIN}_\d])(?<!\d[.,:/'’])
    (?:(?P<sign>(?<![\w{_SIGNS})\]%])[{_SIGNS}]))?
    (?P<before>US\$|[{_SYMBOLS}]|\b(?:{_CODES})(?=[ \u00a0\d]))?
    (?P<sign2>(?<=[{_SYMBOLS}])[{_SIGNS}])?[ \u00a0]?
    (?P<core>
        \d{{1,3}}(?:(?P<sep>[.,'’{_SPACES}])\d{{3}})(?:(?P=sep)\d{{3}})*(?!\d)(?:[.,]\d+)?
      | \d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?!\d)(?:\.\d+)?
      | \d+(?:[.,]\d+)?
      | \.\d+
    )
    (?P<power>[eE][+-]?\d{{1,3}}(?![\w]))?
    (?![.,]?\d)""",
    re.VERBOSE,
)
_SUFFIX = re.compile(r"(?P<ordinal>st|nd|rd|th|er|ème|e|º|ª)\b(?!\w)")
_LETTER_SCALE = re.compile(r"(?:(?P<k>[kK])|(?P<m>M)|(?P<b>bn|B))(?![\w])")
_NEXT = re.compile(
    rf"(?P<space>[{_SPACES}]|-)?(?P<word>per cent|pour cent|por ciento|[%‰]|[{_SYMBOLS}](?!\d)"
    r"|(?:°[CF]|[^\W\d_]+\.?)(?:[²³]|\^?[23](?!\d))?(?:/[a-z]+)?)"
)
_CJK_SCALES = {"万": 4, "萬": 4, "億": 8, "亿": 8, "千": 3, "만": 4, "억": 8}
_TENS = {
    name: 10 * at
    for at, name in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_WORD = re.compile(
    rf"(?<![\w-])(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<ones>one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?P<word>[^\W\d_]+))(?![\w])",
    re.IGNORECASE,
)
_ONES = {
    name: at for at, name in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], 1)
}
_DECADE = re.compile(r"\d+0s(?!\w)")
_BEHIND = re.compile(r"(\S+)\s*$")


@dataclass(frozen=True)
class Reading:
    """One way to read a number: its value, and the step of its last written digit."""

    value: Decimal
    step: Decimal


@dataclass(frozen=True)
class Number:
    """A number in a text.

    Parameters
    ----------
    text : str
        As it is written, with its unit.
    start, end : int
        Where, in characters.
    readings : tuple of Reading
        The likely one first.
    unit : str
        Its unit by one name, ``""`` for none.
    about : bool
        Whether words say that it is not exact.
    scaled : bool
        Whether a word or letter stands for its zeros, as in "3.8 million".
    digits : int
        Significant digits as written, leading and trailing zeros of whole numbers left out.
    year : bool
        Whether it may be a year: four digits and nothing else.
    """

    text: str
    start: int
    end: int
    readings: tuple[Reading, ...]
    unit: str = ""
    about: bool = False
    scaled: bool = False
    digits: int = 1
    year: bool = False

    @property
    def value(self) -> Decimal:
        """The likely value."""
        return self.readings[0].value


def plain_digits(text: str) -> str:
    """A text of the same length with the digits of all scripts as 0 to 9, and full-width signs as ASCII."""
    if text.isascii():
        return text
    return "".join(_plain(character) for character in text)


_SIGNS_OF_OTHERS = {
    "٬": ",",
    "٫": ".",
    "，": ",",
    "．": ".",
    "％": "%",
    "٪": "%",
    "－": "-",
    "＋": "+",
    "／": "/",
    "：": ":",
}


def _plain(character: str) -> str:
    if character < "\u0660":
        return character
    if character.isdecimal():
        return str(int(character))
    return _SIGNS_OF_OTHERS.get(character, character)


def numbers_in(text: str) -> Iterator[Number]:
    """The numbers of a text, in its order. Dates should have been taken out before.

    Examples
    --------
    >>> [(n.text, float(n.value), n.unit) for n in numbers_in("about 3.8 million, −12,5 % and 1,234 km")]
    [('3.8 million', 3800000.0, ''), ('−12,5 %', -12.5, '%'), ('1,234 km', 1234.0, 'km')]
    """
    plain = plain_digits(text)
    behind = 0
    found = sorted([*_in_digits(plain), *_in_words(plain)], key=lambda number: number.start)
    for number in found:
        if number.start >= behind:
            behind = number.end
            yield number if plain is text else replace(number, text=text[number.start : number.end])


def _in_digits(text: str) -> Iterator[Number]:
    for found in _NUMBER.finditer(text):
        core = found["core"]
        if sum(c.isdigit() for c in core) > _MOST_DIGITS:
            continue
        readings = _readings(core, found["sep"])
        if found["power"]:
            readings = [
                (value.scaleb(int(found["power"][1:])), step.scaleb(int(found["power"][1:])))
                for value, step in readings
            ]
        sign = -1 if found["sign"] or found["sign2"] else 1
        end, power, unit = _what_follows(text, found.end(), bool(found["before"]))
        if end < 0 or _DECADE.match(text[found.start("core") : end + 1]):
            continue
        if power:
            readings = [(value.scaleb(power), step.scaleb(power)) for value, step in readings]
        start = found.start() + len(found[0]) - len(found[0].lstrip())
        yield Number(
            text=text[start:end],
            start=start,
            end=end,
            readings=tuple(Reading(sign * value, step) for value, step in readings),
            unit=unit_named(found["before"]) if found["before"] else unit,
            about=_about(text, start),
            scaled=power > 0,
            digits=_significant(core),
            year=len(core) == 4
            and core.isdigit()
            and 1000 <= int(core) < 2200
            and end == found.end()
            and sign > 0
            and not found["before"],
        )


def _readings(core: str, separator: str | None) -> list[tuple[Decimal, Decimal]]:
    """The ways to read digits with separators, the English one first."""
    if separator and separator not in ".,":
        core = core.replace(separator, "")
        return [_exact(core.replace(",", "."))]
    marks = [c for c in core if c in ".,"]
    if not marks:
        return [_exact(core)]
    last = marks[-1]
    whole, _, rest = core.rpartition(last)
    if len(set(marks)) == 2:  # 1,234.5 or 1.234,5
        return [_exact(whole.replace(marks[0], "") + "." + rest)]
    if len(marks) > 1:  # 1,234,567
        return [_exact(core.replace(last, ""))]
    as_decimal, as_group = _exact(f"{whole or 0}.{rest}"), _exact(whole + rest)
    if len(rest) != 3 or len(whole) > 3 or not whole.lstrip("0"):
        return [as_decimal]
    return [as_group, as_decimal] if last == "," else [as_decimal, as_group]


def _exact(digits: str) -> tuple[Decimal, Decimal]:
    value = Decimal(digits)
    return value, Decimal(1).scaleb(-len(digits.partition(".")[2]))


def _significant(core: str) -> int:
    digits = [c for c in core if c.isdigit()]
    text = "".join(digits).lstrip("0")
    return max(1, len(text if re.search(r"[.,]\d{1,2}$|[.,]\d{4,}$", core) else text.rstrip("0")))


def _what_follows(text: str, at: int, money: bool) -> tuple[int, int, str]:
    """Where the number ends with its unit, the power of ten it is scaled by, and the unit; -1 if it is no number."""
    power, unit = 0, ""
    if found := _SUFFIX.match(text, at):
        return found.end(), 0, ""
    if found := _LETTER_SCALE.match(text, at):
        power, at = (3 if found["k"] else 6 if found["m"] else 9), found.end()
    elif money and text[at : at + 1] == "m" and not text[at + 1 : at + 2].isalnum():
        power, at = 6, at + 1
    elif text[at : at + 1] in _CJK_SCALES:
        power, at = _CJK_SCALES[text[at]], at + 1
    for _ in range(2):
        found = _NEXT.match(text, at)
        if not found:
            break
        word = found["word"]
        if money and unit_named(word):
            break
        if (
            not power
            and found["space"] != "-"
            and (scale := SCALES.get(fold(word)) or SCALES.get(fold(word.rstrip("."))))
        ):
            if len(word) == 1:
                break
            power, at = scale, found.end() - (word.endswith(".") and fold(word) not in SCALES)
            continue
        if word in ("per cent", "pour cent", "por ciento"):
            return found.end(), power, PERCENT
        unit = unit_named(word) or unit_named(word.rstrip("."))
        if unit:
            return found.end() - (word.endswith(".") and not unit_named(word)), power, unit
        attached = not found["space"] and word[0].isalpha() and word[0] < "\u0530"
        return (-1 if attached and not power else at), power, ""  # "A4b", "1990s": no number but a name
    if text[at : at + 1] == "_":
        return -1, 0, ""
    return at, power, unit


def _about(text: str, start: int) -> bool:
    before = _BEHIND.search(text[max(0, start - 30) : start])
    if not before:
        return False
    return fold(before[1].strip("(,")) in ABOUT or before[1][-1] in "~≈"


def _in_words(text: str) -> Iterator[Number]:
    for found in _WORD.finditer(text):
        if found["tens"]:
            value: int | None = _TENS[found["tens"].lower()] + _ONES.get((found["ones"] or "").lower(), 0)
        else:
            value = NUMBER_WORDS.get(fold(found["word"]))
        if value is None:
            continue
        end, power, unit = _what_follows(text, found.end(), False)
        end = max(end, found.end())
        reading = Reading(Decimal(value).scaleb(power), Decimal(1).scaleb(power))
        about = _about(text, found.start())
        yield Number(text[found.start() : end], found.start(), end, (reading,), unit, about, power > 0, len(str(value)))
