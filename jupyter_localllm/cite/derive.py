"""Values that follow from two cited ones: difference, sum, ratio, share, change.

Small numbers come about by chance. So a derived value needs two significant digits and a word that names the operation,
or three digits; and where the claim says which one is more, the signs must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations

from jupyter_localllm.cite.agree import carries
from jupyter_localllm.cite.compare import rounds_to
from jupyter_localllm.cite.facts import Facts
from jupyter_localllm.cite.numbers import Number, Reading
from jupyter_localllm.cite.statements import Scope, Statement
from jupyter_localllm.cite.units import PERCENT
from jupyter_localllm.cite.words import OPERATIONS

__all__ = ["Derived", "derivations"]

_MOST = 12  # statements whose pairs are tried
_TINY = Decimal(1).scaleb(-30)


@dataclass(frozen=True)
class Derived:
    """A number that follows from two statements.

    Parameters
    ----------
    name : str
        Of the operation: ``"difference"``, ``"sum"``, ``"ratio"``, ``"share"``, ``"change"``.
    one, two : Statement
    words : frozenset of str
        Words of the claim that the operation explains.
    """

    name: str
    one: Statement
    two: Statement
    words: frozenset[str]

    @property
    def reason(self) -> str:
        """In words."""
        of = {"ratio": "ratio of", "share": "share in per cent, from", "change": "change in per cent, from"}
        return f"{of.get(self.name, self.name + ' of')} [{self.one.number}] and [{self.two.number}]"


def derivations(claim: Number, facts: Facts, statements: Sequence[Statement]) -> Iterator[Derived]:
    """The ways in which a number follows from two of the statements.

    Parameters
    ----------
    claim : Number
    facts : Facts
        Of the claim's sentence.
    statements : sequence of Statement
        Only those that say one number are looked at.
    """
    if claim.year or claim.digits < 2:
        return
    said = {word.folded for word in facts.words}
    values = [(s, s.facts.numbers[0]) for s in statements if len(s.facts.numbers) == 1][:_MOST]
    for (one, first), (two, second) in combinations(values, 2):
        for name, explained, needed, reading in _operations(claim, first, second):
            named = bool(said & needed)
            likely = named or (claim.digits >= 3 and name not in ("ratio", "change"))
            if likely and _same(claim, reading) and _direction(said, facts, name, (one, first), (two, second)):
                yield Derived(name, one, two, explained)


def _operations(
    claim: Number, one: Number, two: Number
) -> Iterator[tuple[str, frozenset[str], frozenset[str], Reading]]:
    """Name, words explained, words of which one is needed for short numbers, and the value."""
    a, b = one.value, two.value
    step = max(one.readings[0].step, two.readings[0].step)
    difference, total = OPERATIONS["difference"], OPERATIONS["sum"]
    if one.unit == two.unit and claim.unit in ("", one.unit):
        yield "difference", difference | OPERATIONS["up"] | OPERATIONS["down"], difference, Reading(abs(a - b), step)
        yield "sum", total, total, Reading(a + b, step)
    if PERCENT in (one.unit, two.unit) or one.unit != two.unit or abs(a) < _TINY or abs(b) < _TINY:
        return
    large, small = max(abs(a), abs(b)), min(abs(a), abs(b))
    if claim.unit == "":
        ratio = OPERATIONS["ratio"]
        yield "ratio", ratio | difference, ratio, Reading(large / small, _TINY)
    if claim.unit == PERCENT:
        share, moves = OPERATIONS["share"], OPERATIONS["up"] | OPERATIONS["down"] | difference
        yield "share", share, share | {PERCENT}, Reading(100 * small / large, _TINY)
        yield "change", moves | share, moves, Reading(100 * abs(b - a) / abs(a), _TINY)
        yield "change", moves | share, moves, Reading(100 * abs(b - a) / abs(b), _TINY)


def _same(claim: Number, reading: Reading) -> bool:
    return abs(claim.value) == reading.value or rounds_to(_positive(claim), reading)


def _positive(claim: Number) -> Number:
    return replace(claim, readings=tuple(Reading(abs(r.value), r.step) for r in claim.readings))


def _direction(
    said: set[str], facts: Facts, name: str, one: tuple[Statement, Number], two: tuple[Statement, Number]
) -> bool:
    """Whether what the claim says of more and less, or of up and down, is so."""
    if name in ("sum", "share"):
        return not said & (OPERATIONS["more"] | OPERATIONS["less"] | OPERATIONS["up"] | OPERATIONS["down"])
    sign = bool(said & OPERATIONS["more"]) - bool(said & OPERATIONS["less"])
    move = bool(said & OPERATIONS["up"]) - bool(said & OPERATIONS["down"])
    if name == "change":
        earlier, later = _in_time(one, two)
        if not move or earlier is None or later is None:
            return False
        change = later - earlier
        return change * move > 0
    if not sign and not move:
        return True
    if move:
        earlier, later = _in_time(one, two)
        return earlier is not None and later is not None and (later - earlier) * move > 0
    order = _first_named(facts, one[0], two[0])
    return order != 0 and (one[1].value - two[1].value) * order * sign > 0


def _in_time(one: tuple[Statement, Number], two: tuple[Statement, Number]) -> tuple[Decimal | None, Decimal | None]:
    """The two values, the earlier first, if their keys say when."""
    when = [[n.value for n in s.key_facts.numbers if n.year] for s, _ in (one, two)]
    if not when[0] or not when[1] or when[0][0] == when[1][0]:
        return None, None
    first, second = (one, two) if when[0][0] < when[1][0] else (two, one)
    return first[1].value, second[1].value


def _first_named(facts: Facts, one: Statement, two: Statement) -> int:
    """1 if the claim names the first one's subject first, -1 if the other's, 0 if that cannot be told."""
    at = []
    for mine, other in ((one, two), (two, one)):
        both = {word.folded for word in other.subject}
        own = Scope(" ".join(word.text for word in mine.subject if word.folded not in both))
        at.append(next((word.start for word in facts.words if carries(word, own)), None))
    if at[0] is None or at[1] is None or at[0] == at[1]:
        return 0
    return 1 if at[0] < at[1] else -1
