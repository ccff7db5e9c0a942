"""What a question asks of its subject, and whether a passage speaks of that."""

from __future__ import annotations

import pytest

from jupyter_localllm.sources.select import PlainIndex, coverage, read
from jupyter_localllm.sources.select.unmet import unmet
from jupyter_localllm.types import Passage

CHEESE = "Mirelle cheese ripens for 90 days in the caves of Ponteval. It is washed with cider by Ida Brock."
FERRY = "The ferry Anna Tolland was launched in Split in 1991. She carries 64 cars between Mossay and Grell."
TOWN = "The council of Hebbing has 27 members. Its mayor is Leopold Artz, and its flag is blue."
BRUNN = "Die Bäckerei Kessler in Brunn wurde 1902 gegründet. Das Roggenbrot kostet 4 Euro."
TEXTS = (CHEESE, FERRY, TOWN, BRUNN)


def asked_of(text: str, question: str, kind: str = "text") -> tuple[str, ...]:
    """What of the question the text lacks, asked beside the other texts."""
    index = PlainIndex()
    index.add([Passage("notes", kind, one) for one in dict.fromkeys((*TEXTS, text))])
    return unmet(read(question, [index]), text)


@pytest.mark.parametrize(
    ("text", "question", "lacking"),
    [
        (CHEESE, "How many calories has Mirelle cheese?", ("calories",)),
        (TOWN, "What is the salary of Leopold Artz?", ("salary",)),
        (TOWN, "When was Leopold Artz born?", ("born",)),
        (FERRY, "How many passengers drowned on the Anna Tolland?", ("passengers", "drowned")),
        (FERRY, "¿Cuánto costó el ferry Anna Tolland?", ("costó",)),
        (FERRY, "Wie viel wiegt die Anna Tolland?", ("wiegt",)),
        (CHEESE, "What colour is Mirelle cheese?", ("colour",)),
        (BRUNN, "Welchen Umsatz hat die Bäckerei Kessler?", ("umsatz",)),
    ],
)
def test_a_name_is_no_answer(text: str, question: str, lacking: tuple[str, ...]) -> None:
    """A passage that holds only the name of what is asked about says nothing of it, and the words it lacks are told."""
    assert asked_of(text, question) == lacking


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (CHEESE, "How long does Mirelle cheese ripen?"),
        (CHEESE, "What is Mirelle cheese washed with?"),
        (FERRY, "How many vehicles does the Anna Tolland transport?"),
        (FERRY, "Wie viele Autos fasst die Fähre Anna Tolland?"),
        (TOWN, "Who leads the council of Hebbing?"),
        (TOWN, "What colour has the flag of Hebbing?"),
        (TOWN, "Who is Leopold Artz?"),
        (BRUNN, "Wie viel kostet das Roggenbrot?"),
        (BRUNN, "What is the price of the Roggenbrot?"),
        (BRUNN, "Seit wann besteht die Bäckerei Kessler, wann war die Gründung?"),
    ],
)
def test_other_words_for_the_same_thing_do(text: str, question: str) -> None:
    """Another form, another word or another language is enough for what is asked, and a bare name asks for nothing."""
    assert asked_of(text, question) == ()


FIRE = "The fire in Hebbing in 2015 hurt 14 people and destroyed house 12 in Mill Lane."
HALL = "Ada Roth was mayor of Grell from 2018 to 2022. Mount Tolm is 2,314 m high and was first climbed in 1902."


@pytest.mark.parametrize(
    ("text", "question", "lacking"),
    [
        (FIRE, "How many people were hurt in the fire in Hebbing in 2020?", ("2020",)),
        (FIRE, "How many people did the 2020 fire in Hebbing hurt?", ("2020",)),
        (FIRE, "Wie viele Menschen verletzte das Feuer in Hebbing 2020?", ("2020",)),
        (FIRE, "What destroyed house 15 in Mill Lane?", ("15",)),
        (HALL, "Who was mayor of Grell in 1990?", ("1990",)),
        ("Ada Roth has been mayor of Grell since 2018.", "Who was mayor of Grell in 1990?", ("1990",)),
        (FERRY, "In which port was the Anna Tolland launched on 5 May 1993?", ("1993",)),
    ],
)
def test_another_year_or_number_is_another_thing(text: str, question: str, lacking: tuple[str, ...]) -> None:
    """A year, or the number of a house, that the passage lacks is unmet by itself."""
    assert lacking[0] in asked_of(text, question)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (FIRE, "How many people were hurt in the fire in Hebbing in 2015?"),
        (FIRE, "Which 3 houses did the fire in Hebbing destroy?"),
        (FIRE, "Were more than 10 people hurt in the fire in Hebbing?"),
        (HALL, "Who was mayor of Grell in 2020?"),
        (HALL, "Which mount is more than 2000 m high?"),
        ("The fire in Hebbing on 05/06/2020 hurt 14 people.", "How many people did the fire in Hebbing hurt in 2020?"),
        ("The fire in Hebbing on 5 June 2020 hurt 14 people.", "How many people did the fire in Hebbing hurt in 2020?"),
        ("Ada Roth has been mayor of Grell since 2018.", "Who was mayor of Grell in 2020?"),
    ],
)
def test_numbers_that_are_only_talk_are_not_asked_for(text: str, question: str) -> None:
    """A bound, a number of things to tell, a year within a time, and a year in a date need not stand there so."""
    assert asked_of(text, question) == ()


def test_a_year_that_another_passage_tells_may_be_left_out() -> None:
    """Where the sources speak of a year, a passage that names none may be of it; one that names another is not."""
    report = [Passage("notes", "text", one) for one in ("Report on Hebbing for 2020.", "The fire hurt 14 people.")]
    index = PlainIndex()
    index.add(report)
    assert unmet(read("How many people did the fire of 2020 hurt?", [index]), report[1].text) == ()
    assert unmet(read("How many people did the fire of 2019 hurt?", [index]), report[1].text) == ("2019",)


def test_what_all_is_about_need_not_be_said_again() -> None:
    """In a text on one person, a paragraph that goes on with "she" speaks of her."""
    told = [
        "Marta Elling is a potter.",
        "She sells bowls.",
        "Marta Elling has won medals.",
        "Her husband is Colin Raye.",
    ]
    passages = [Passage("notes", "text", one) for one in told]
    index = PlainIndex()
    index.add(passages)
    found = coverage(read("Who is Marta Elling married to?", [index]), passages)
    assert found.speaking == (passages[3],)
    assert found.best >= 0.5


def test_the_nearest_is_told_where_none_answers() -> None:
    """A refusal knows the passage that speaks of the rest of the question, and what that one lacks."""
    passages = [Passage("notes", "text", one) for one in TEXTS]
    index = PlainIndex()
    index.add(passages)
    found = coverage(read("How many calories has Mirelle cheese?", [index]), passages)
    assert (found.best, found.nearest, found.unmet, found.speaking) == (0.0, passages[0], ("calories",), ())
    assert coverage(read("What is the boiling point of mercury?", [index]), passages).nearest is None


def test_values_are_not_running_text() -> None:
    """The name of a value is what it says: there a name alone may answer."""
    passage = Passage("config", "value", "users Ada city: Rome", value="Rome")
    index = PlainIndex()
    index.add([passage])
    for question in ("In which city does Ada live?", "salary Ada"):
        found = coverage(read(question, [index]), [passage])
        assert found.unmet == ()
        assert found.best > 0
