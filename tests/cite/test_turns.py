"""Words that turn a statement around or bound it."""

from __future__ import annotations

import pytest

from jupyter_localllm.cite.check import check_claim
from jupyter_localllm.cite.facts import facts_of
from jupyter_localllm.cite.turns import bound_of, turns_of
from jupyter_localllm.cite.words import TURNS
from tests.cite.cells import prose

TURNED = [
    ("Smith denied that he stole the car of Jones.", "Smith stole the car of Jones."),
    ("Smith denied, on the phone, that he stole the car of Jones.", "Smith stole the car of Jones."),
    ("The council voted against the plan of Jones.", "The council voted for the plan of Jones."),
    ("Mallory failed to reach the summit of Everest.", "Mallory reached the summit of Everest."),
    ("Tom allegedly sold the house in Leith.", "Tom sold the house in Leith."),
    ("All pupils except Tom passed the exam in Leith.", "Tom passed the exam in Leith."),
    ("Unlike Paris, Berlin has 3.8 million inhabitants.", "Paris has 3.8 million inhabitants."),
    ("The fair in Lindby was cancelled in 2020.", "The fair in Lindby was in 2020."),
    ("Ida Lund hardly spoke to Per Holm.", "Ida Lund spoke to Per Holm."),
    ("The church was perhaps built by Anselm Vogt.", "The church was built by Anselm Vogt."),
    ("Meier bestritt, dass er das Auto von Jost gestohlen hat.", "Meier hat das Auto von Jost gestohlen."),
    ("Meier versuchte, die Brücke von Lindby zu sprengen.", "Meier sprengte die Brücke von Lindby."),
    ("Der Rat lehnte den Plan von Meier ab.", "Der Rat nahm den Plan von Meier an."),
    ("Angeblich verkaufte Meier das Haus in Leith.", "Meier verkaufte das Haus in Leith."),
    ("Alle außer Meier kamen nach Leith.", "Meier kam nach Leith."),
    ("Dupont a nié avoir volé la voiture de Martin.", "Dupont a volé la voiture de Martin."),
    ("Le conseil a voté contre le projet de Martin.", "Le conseil a voté le projet de Martin."),
    ("Tous sauf Martin ont signé la lettre de Lyon.", "Martin a signé la lettre de Lyon."),
    ("García negó que robó el coche de Pérez.", "García robó el coche de Pérez."),
    ("El concejo rechazó vender la casa de Pérez.", "El concejo vende la casa de Pérez."),
    ("Todos excepto Pérez firmaron la carta de Madrid.", "Pérez firmó la carta de Madrid."),
    ("Smith did not sell the house in Leith.", "Smith sold the house in Leith."),
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
]

HONEST = [
    ("Smith denied that he stole the car of Jones.", "Smith denied that he stole the car of Jones."),
    ("Smith, who denied the charge, won the race in Leith in 1990.", "Smith won the race in Leith in 1990."),
    ("El concejo rechazó el plan, y Ana Ruiz compró la casa de Pérez.", "Ana Ruiz compró la casa de Pérez."),
    ("Der Rat lehnte den Plan ab, und Meier ging zu Fuß nach Leith.", "Meier ging zu Fuß nach Leith."),
    ("Unlike Paris, Berlin has 3.8 million inhabitants.", "Berlin has 3.8 million inhabitants."),
    ("The council rejected the plan, and Ada Roth bought the mill in Leith.", "Ada Roth bought the mill in Leith."),
    ("The hall in Leith holds at most 40 guests.", "The hall in Leith holds up to 40 guests."),
    ("The balloon flew over 3 lakes in Leith.", "The balloon flew over 3 lakes in Leith."),
    ("The hall in Leith holds about 40 guests.", "The hall in Leith holds about 40 guests."),
    ("Die Mühle in Leith wurde 1862 gebaut, obwohl der Rat dagegen war.", "Die Mühle in Leith wurde 1862 gebaut."),
    ("The mine in Leith produced tin until 1987.", "The mine in Leith produced tin until 1987."),
]


@pytest.mark.parametrize(("source", "claim"), [*TURNED, *BOUNDED])
def test_what_is_turned_or_bounded_is_not_supported(source: str, claim: str) -> None:
    """A claim that leaves out what turns the passage's words around, or bounds its figure, is not carried by it."""
    assert check_claim(claim, [prose(source)], [1]).status == "unsupported"


@pytest.mark.parametrize(("claim", "source"), [pair for pair in TURNED if "except" not in pair[0]][:8])
def test_the_other_way_round_neither(claim: str, source: str) -> None:
    """What is not denied in the passage may not be denied in the claim."""
    assert check_claim(claim, [prose(source)], [1]).status == "unsupported"


@pytest.mark.parametrize(("source", "claim"), HONEST)
def test_what_says_the_same_is_supported(source: str, claim: str) -> None:
    """The same turn in both, a turn in another part of the sentence, the same bound in other words: all carried."""
    found = check_claim(claim, [prose(source)], [1])
    assert found.status == "supported", found.reason


def test_who_is_asked_who_denied_it_need_not_say_so() -> None:
    """The answer to a question is read with it."""
    passage = prose("Smith denied the theft of the car.")
    assert check_claim("Smith.", [passage], [1], "Who denied the theft of the car?").status == "supported"


def test_the_reason_names_the_word() -> None:
    """People are told which word makes the difference."""
    found = check_claim("Smith stole the car of Jones.", [prose(TURNED[0][0])], [1])
    assert found.reason == "[1] says “denied”"


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


def test_no_word_turns_and_says_nothing_else() -> None:
    """The lists hold words as they are compared, each of one letter at least more than any article."""
    assert all(len(word) >= 3 for words in TURNS.values() for word in words)
    assert turns_of(facts_of("Smith won the race in 1990.").words) == {}
