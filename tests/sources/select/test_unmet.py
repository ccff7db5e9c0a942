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
    index.add([Passage("notes", kind, one) for one in TEXTS])
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
