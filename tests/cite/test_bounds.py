# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Words and signs that bound a figure."""

from __future__ import annotations

import pytest

from jupyter_localllm.cite.bounds import bound_of
from jupyter_localllm.cite.check import check_claim
from jupyter_localllm.cite.facts import facts_of
from tests.cite.cells import cell, prose

TWELVE = [
    *("12+", ">12", "> 12", "≤ 12", ">= 12", "between 12 and 20", "12 to 20", "12-20", "12–20", "12 – 20", "from 12"),
    *(
        "upwards of 12",
        "a maximum number of 12",
        "12 or 13",
        "12 at the very most",
        "12 and more",
        "12 (maximum)",
        "12±2",
    ),
]

BOUNDED = [
    ("The hall in Leith holds at most 40 guests.", "The hall in Leith holds 40 guests."),
    ("The hall in Leith holds up to 40 guests.", "The hall in Leith holds at least 40 guests."),
    ("The hall in Leith holds 40 guests or fewer.", "The hall in Leith holds 40 guests."),
    ("The hall in Leith holds 40 guests.", "The hall in Leith holds more than 40 guests."),
    ("The bridge in Leith cost more than 3 million euros.", "The bridge in Leith cost 3 million euros."),
    ("The bridge in Leith was built before 1862.", "The bridge in Leith was built in 1862."),
    ("Der Saal in Leith fasst höchstens 40 Gäste.", "Der Saal in Leith fasst 40 Gäste."),
    ("Die Brücke in Leith wurde nach 1862 gebaut.", "Die Brücke in Leith wurde 1862 gebaut."),
    ("La salle de Lyon contient au plus 40 chaises.", "La salle de Lyon contient 40 chaises."),
    ("La sala de Madrid tiene menos de 40 sillas.", "La sala de Madrid tiene 40 sillas."),
    *((f"The mill in Leith employs {told} people.", "The mill in Leith employs 12 people.") for told in TWELVE),
    ("The mill in Leith employs 12 to 20 people.", "The mill in Leith employs 20 people."),
    ("The mill in Leith employs 12 people.", "The mill in Leith employs 12+ people."),
    ("The mill in Leith employs 12 people.", "The mill in Leith employs between 12 and 20 people."),
    ("The bridge in Leith was built between 1932 and 1935.", "The bridge in Leith was built in 1932."),
    ("Die Mühle in Leith beschäftigt zwischen 12 und 20 Leute.", "Die Mühle in Leith beschäftigt 12 Leute."),
    ("Die Mühle in Leith beschäftigt 12 bis 20 Leute.", "Die Mühle in Leith beschäftigt 12 Leute."),
    ("La salle de Lyon contient entre 12 et 20 chaises.", "La salle de Lyon contient 12 chaises."),
    ("La sala de Madrid tiene de 12 a 20 sillas.", "La sala de Madrid tiene 20 sillas."),
]

HONEST = [
    ("The hall in Leith holds at most 40 guests.", "The hall in Leith holds up to 40 guests."),
    ("The balloon flew over 3 lakes in Leith.", "The balloon flew over 3 lakes in Leith."),
    ("The hall in Leith holds about 40 guests.", "The hall in Leith holds about 40 guests."),
    ("The mine in Leith produced tin until 1987.", "The mine in Leith produced tin until 1987."),
    ("The hall in Leith holds nearly 40 guests.", "The hall in Leith holds about 40 guests."),
    ("The mill in Leith employs between 12 and 20 people.", "The mill in Leith employs between 12 and 20 people."),
    ("The mill in Leith employs between 12 and 20 people.", "The mill in Leith employs 12 to 20 people."),
    ("The mill in Leith employs from 12 to 20 people.", "The mill in Leith employs 12 to 20 people."),
    ("The mill in Leith employs at least 12 people.", "The mill in Leith employs ≥ 12 people."),
    ("The staff in Leith grew from 12 to 20 people.", "The staff in Leith grew to 20 people."),
    ("The mill in Leith won by 3 to 1.", "The mill in Leith won by 3 to 1."),
    ("Smith was mayor of Leith from 1932 to 1935.", "Smith was mayor of Leith to 1935."),
    ("Smith was mayor of Leith between 1932 and 1935.", "Smith was mayor of Leith from 1932 to 1935."),
    ("The shop in Leith is open from 9 am to 5 pm.", "The shop in Leith is open to 5 pm."),
    ("The mill in Leith was built in 1932 and the hall in 1935.", "The mill in Leith was built in 1932."),
]


@pytest.mark.parametrize(("source", "claim"), BOUNDED)
def test_what_is_bounded_is_not_supported(source: str, claim: str) -> None:
    """A claim that leaves out what bounds the passage's figure, or puts a bound in, is not carried by it."""
    assert check_claim(claim, [prose(source)], [1]).status == "unsupported"


@pytest.mark.parametrize("value", ["12+", "> 12", "12 to 20", "up to 12"])
def test_a_value_may_be_bounded_too(value: str) -> None:
    """What a cell bounds is bounded in the claim that cites it."""
    passage = cell("Staff", "Leith", value)
    assert check_claim("The staff of Leith is 12.", [passage], [1]).status == "unsupported"
    assert check_claim(f"The staff of Leith is {value}.", [passage], [1]).status == "supported"


@pytest.mark.parametrize(("source", "claim"), HONEST)
def test_what_is_bounded_alike_is_supported(source: str, claim: str) -> None:
    """The same bound in other words or signs, a change that is no range, a time that holds a year: all carried."""
    found = check_claim(claim, [prose(source)], [1])
    assert found.status == "supported", found.reason


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("It holds 40.", ""),
        ("It holds no fewer than 40.", "at least"),
        ("It costs under $40.", "below"),
        ("jusqu'à 40 personnes", "at most"),
        ("mehr als 40 Leute", "above"),
        ("40 o más personas", "at least"),
        ("before 1862", "before"),
        ("after 40 minutes", ""),
    ],
)
def test_bounds(text: str, bound: str) -> None:
    """A bound stands beside its figure; before and after bound only what is a date."""
    assert bound_of(text, facts_of(text).figures[0]) == bound
