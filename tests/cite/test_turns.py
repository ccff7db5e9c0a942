"""Words that turn a statement around or make it uncertain."""

from __future__ import annotations

import pytest

from jupyter_localllm.cite.check import check_claim
from jupyter_localllm.cite.facts import facts_of
from jupyter_localllm.cite.turn_words import TURNS
from jupyter_localllm.cite.turns import turns_of
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
    ("Smith nearly stole the car of Jones.", "Smith stole the car of Jones."),
    ("Smith almost stole the car of Jones.", "Smith stole the car of Jones."),
    ("Smith would have stolen the car of Jones.", "Smith has stolen the car of Jones."),
    ("Smith was acquitted of having stolen the car of Jones.", "Smith has stolen the car of Jones."),
    ("The hall in Leith was planned to be opened in 1932.", "The hall in Leith was opened in 1932."),
    ("The hall in Leith should have been opened in 1932.", "The hall in Leith was opened in 1932."),
    ("The police doubt that Smith stole the car of Jones.", "Smith stole the car of Jones."),
    ("If Smith stole the car of Jones, he will go to prison.", "Smith stole the car of Jones."),
    ("If it rains, the fair in Leith is held in the hall.", "The fair in Leith is held in the hall."),
    ("It is asked whether Smith stole the car of Jones.", "Smith stole the car of Jones."),
    ("The hall in Leith was to open in 1932, but the opening was postponed.", "The hall in Leith opened in 1932."),
    ("The hall in Leith was to be opened in 1932.", "The hall in Leith was opened in 1932."),
    ("Had Smith stolen the car of Jones, he would be in prison.", "Smith has stolen the car of Jones."),
    ("The police believe that Smith stole the car of Jones.", "Smith stole the car of Jones."),
    ("The hall in Leith was meant to open in 1932.", "The hall in Leith opened in 1932."),
    ("Meier hätte das Auto von Jost gestohlen.", "Meier hat das Auto von Jost gestohlen."),
    ("Meier hat das Auto von Jost fast gestohlen.", "Meier hat das Auto von Jost gestohlen."),
    ("Die Polizei bezweifelt, dass Meier das Auto gestohlen hat.", "Meier hat das Auto gestohlen."),
    ("Die Halle in Leith sollte 1932 eröffnet werden.", "Die Halle in Leith wurde 1932 eröffnet."),
    ("Falls Meier das Auto von Jost gestohlen hat, droht ihm Haft.", "Meier hat das Auto von Jost gestohlen."),
    ("Dupont a failli voler la voiture de Martin.", "Dupont a volé la voiture de Martin."),
    ("Dupont aurait volé la voiture de Martin.", "Dupont a volé la voiture de Martin."),
    ("La salle de Lyon devait ouvrir en 1932, mais elle a été reportée.", "La salle de Lyon a ouvert en 1932."),
    ("La policía duda que García robó el coche de Pérez.", "García robó el coche de Pérez."),
    ("Si García robó el coche de Pérez, irá a prisión.", "García robó el coche de Pérez."),
    ("García casi robó el coche de Pérez.", "García robó el coche de Pérez."),
]

HONEST = [
    ("Smith denied that he stole the car of Jones.", "Smith denied that he stole the car of Jones."),
    ("Smith, who denied the charge, won the race in Leith in 1990.", "Smith won the race in Leith in 1990."),
    ("El concejo rechazó el plan, y Ana Ruiz compró la casa de Pérez.", "Ana Ruiz compró la casa de Pérez."),
    ("Der Rat lehnte den Plan ab, und Meier ging zu Fuß nach Leith.", "Meier ging zu Fuß nach Leith."),
    ("Unlike Paris, Berlin has 3.8 million inhabitants.", "Berlin has 3.8 million inhabitants."),
    ("The council rejected the plan, and Ada Roth bought the mill in Leith.", "Ada Roth bought the mill in Leith."),
    ("Die Mühle in Leith wurde 1862 gebaut, obwohl der Rat dagegen war.", "Die Mühle in Leith wurde 1862 gebaut."),
    ("Smith nearly stole the car of Jones.", "Smith almost stole the car of Jones."),
    ("The tunnel is planned for 2040, and the hall in Leith opened in 1932.", "The hall in Leith opened in 1932."),
    ("The hall in Leith is to the north of the mill.", "The hall in Leith is north of the mill."),
    ("Smith drove a fast car to the falls of Leith.", "Smith drove a car to the falls of Leith."),
    ("Smith would later cross the lakes of Leith.", "Smith later crossed the lakes of Leith."),
    ("Even if it rains, the fair in Leith is held in the hall.", "The fair in Leith is held in the hall."),
    ("Water the fern of Leith twice a week.", "You should water the fern of Leith twice a week."),
    ("I canali di Venezia si trovano nel nord.", "I canali di Venezia trovano nel nord."),
]


@pytest.mark.parametrize(("source", "claim"), TURNED)
def test_what_is_turned_is_not_supported(source: str, claim: str) -> None:
    """A claim that leaves out what turns the passage's words around is not carried by it."""
    assert check_claim(claim, [prose(source)], [1]).status == "unsupported"


@pytest.mark.parametrize(("claim", "source"), [pair for pair in TURNED if "except" not in pair[0]][:8] + TURNED[22:28])
def test_the_other_way_round_neither(claim: str, source: str) -> None:
    """What is not denied in the passage may not be denied in the claim."""
    assert check_claim(claim, [prose(source)], [1]).status == "unsupported"


@pytest.mark.parametrize(("source", "claim"), HONEST)
def test_what_says_the_same_is_supported(source: str, claim: str) -> None:
    """The same turn in both, a turn in another part of the sentence, words that only look like one: all carried."""
    found = check_claim(claim, [prose(source)], [1])
    assert found.status == "supported", found.reason


def test_who_is_asked_who_denied_it_need_not_say_so() -> None:
    """The answer to a question is read with it."""
    passage = prose("Smith denied the theft of the car.")
    assert check_claim("Smith.", [passage], [1], "Who denied the theft of the car?").status == "supported"


def test_who_asks_what_happens_if_is_told_so() -> None:
    """A condition that the question makes may stand in its answer."""
    passage = prose("In case of rain the fair in Leith is held in the hall.")
    claim = "If there is rain, the fair in Leith is held in the hall."
    assert check_claim(claim, [passage], [1], "What happens with the fair if there is rain?").status == "supported"


def test_the_reason_names_the_word() -> None:
    """People are told which word makes the difference."""
    found = check_claim("Smith stole the car of Jones.", [prose(TURNED[0][0])], [1])
    assert found.reason == "[1] says “denied”"


def test_no_word_turns_and_says_nothing_else() -> None:
    """The lists hold words as they are compared, each of two letters at least."""
    assert all(len(word) >= 2 for each in TURNS.values() for word in each)
    assert turns_of(facts_of("Smith won the race in 1990.")) == {}
