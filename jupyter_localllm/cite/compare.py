"""Whether a number or date in a claim is said of one in a passage: units, rounding, readings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.facts import facts_of
from jupyter_localllm.cite.numbers import Number, Reading
from jupyter_localllm.cite.statements import Statement
from jupyter_localllm.cite.units import PERCENT, unit_named
from jupyter_localllm.cite.words import fold, words

__all__ = ["Manner", "carried", "manner_of", "rounds_to"]

_ENGLISH = words("the of is are was were and has have had by with")
_OTHERS = words(
    """der die das und ist hat war mit von im betragt le les est dans et du des avec el los es y con del ha il
    della e con o da na com het een en van"""
)
_COMMA = re.compile(r"\d,\d{1,2}(?!\d)|\d\.\d{3}\.\d{3}|\d\.\d{3},\d")


@dataclass(frozen=True)
class Manner:
    """How numbers are written in a text.

    Parameters
    ----------
    comma : bool
        Whether the decimal sign is a comma, as far as the text tells.
    units : frozenset of str
        Units that are named anywhere in it, or in the question it answers.
    """

    comma: bool = False
    units: frozenset[str] = frozenset()


def manner_of(text: str, question: str = "") -> Manner:
    """How numbers are written in a claim.

    Examples
    --------
    >>> manner_of("Berlin hat 1.234 Seen").comma, manner_of("Berlin has 1.234 lakes").comma
    (True, False)
    """
    folded = {word.folded for word in facts_of(text).words}
    comma = bool(_COMMA.search(text)) or (bool(folded & _OTHERS) and not folded & _ENGLISH)
    units = frozenset(unit for word in re.findall(r"[^\W\d_]+[²³]?|[%€$£]", question) if (unit := unit_named(word)))
    return Manner(comma, units)


def carried(claim: Number | Date, statement: Statement, manner: Manner) -> str | None:
    """Whether a statement's value says what the claim says: None, or how ("" for just so).

    Parameters
    ----------
    claim : Number or Date
    statement : Statement
    manner : Manner
        Of the claim.
    """
    facts = statement.facts
    if isinstance(claim, Date):
        return "" if any(claim.said_of(date) for date in facts.dates) else None
    if claim.year and any(int(claim.value) in date.years for date in facts.dates):
        return ""
    notes = [note for number in facts.numbers if (note := _said_of(claim, number, statement, manner)) is not None]
    return min(notes, key=len, default=None)


def _said_of(claim: Number, source: Number, statement: Statement, manner: Manner) -> str | None:
    units = frozenset({source.unit}) if source.unit else statement.units
    if claim.unit == PERCENT and PERCENT not in units:
        return None if units else _as_percentage(claim, source)
    if (source.unit == PERCENT and claim.unit != PERCENT) or (source.unit == "‰") != (claim.unit == "‰"):
        return None
    if claim.unit and claim.unit not in (units or manner.units):
        return None
    same = fold(claim.text) == fold(source.text)
    mine = {reading.value for reading in (claim.readings if manner.comma or same else claim.readings[:1])}
    if any(reading.value in mine for reading in _readings(source, statement, same)):
        return ""
    dated = claim.year or source.year
    if dated or not any(rounds_to(claim, reading) for reading in _readings(source, statement, False)):
        return None
    return f"{claim.text} is {source.text}, rounded"


def _as_percentage(claim: Number, source: Number) -> str | None:
    reading = source.readings[0]
    if (
        abs(reading.value) > 1
        or reading.step == 1
        or not rounds_to(claim, Reading(reading.value * 100, reading.step * 100))
    ):
        return None
    return f"{claim.text} is {source.text} as a percentage"


def _readings(source: Number, statement: Statement, same: bool) -> Iterator[Reading]:
    comma = same or bool(_COMMA.search(statement.text))
    for reading in source.readings if comma else source.readings[:1]:
        yield reading
        if statement.power and not source.scaled:
            yield Reading(reading.value.scaleb(statement.power), reading.step.scaleb(statement.power))


def rounds_to(claim: Number, source: Reading) -> bool:
    """Whether a value, rounded as the claim is written, is the claim's.

    Two significant digits at least, and digits behind the decimal point, a word for the zeros or a unit that says it is
    measured; or a word such as "about". So 3.8 million and about 4 million are said of 3,769,495, and 4 million is not.
    """
    mine = claim.readings[0]
    step = mine.step
    if mine.value == source.value:
        return True
    rounded = claim.digits >= 2 and (claim.scaled or step < 1 or claim.unit == PERCENT)
    rounded |= claim.digits >= 3 and claim.unit != ""
    if claim.about:
        step = max(step, _last_digit(mine.value))
    elif not rounded:
        return False
    return source.step < step and abs(mine.value - source.value) * 2 <= step


def _last_digit(value: Decimal) -> Decimal:
    """The step of the last digit that is not 0: 10,000 for 3,760,000."""
    if not value:
        return Decimal(1)
    exponent = value.normalize().as_tuple().exponent
    return Decimal(1).scaleb(int(exponent)) if isinstance(exponent, int) else Decimal(1)
