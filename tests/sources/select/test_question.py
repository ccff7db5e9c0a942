"""What a question asks for, and how much of it the sources speak of."""

from __future__ import annotations

import pytest

from jupyter_localllm.sources.select import PlainIndex, coverage, read
from jupyter_localllm.sources.select.function_words import _TABLE, LANGUAGES
from jupyter_localllm.sources.select.question import concepts
from jupyter_localllm.types import Passage
from tests.sources.select.index_contract import passages

PEOPLE = (
    ("Nicholas Kane", "1887", "Albany"),
    ("Anna Schmidt", "1902", "Berlin"),
    ("Paul Kane", "1910", "Toronto"),
    ("Nicholas Brown", "1921", "Boston"),
    ("Maria Lopez", "1935", "Madrid"),
    ("Jean Dupont", "1940", "Lyon"),
    ("Olga Petrova", "1951", "Kazan"),
)


def lines(without: str = "") -> list[Passage]:
    texts = [f"{name} was born in {year} in {town}." for name, year, town in PEOPLE if name != without]
    return passages(texts)


def loud(question: str) -> list[str]:
    return [concept.word for concept in concepts(question) if concept.loudness == 1]


@pytest.mark.parametrize(
    ("question", "informative"),
    [
        ("Where did Goethe die?", ["goethe", "die"]),
        ("Wie viele Einwohner hat die Stadt Berlin?", ["einwohner", "stadt", "berlin"]),
        ("Quelle est la population de l'Italie ?", ["population", "italie"]),
        ("¿Cuántos habitantes tiene la ciudad de Lima?", ["habitantes", "ciudad", "lima"]),
        ("Qual è la popolazione della Francia?", ["popolazione", "francia"]),
        ("Qual é a população do Brasil?", ["população", "brasil"]),
        ("Hoeveel inwoners heeft de stad Gent?", ["inwoners", "stad", "gent"]),
        ("What is the GDP of the US?", ["gdp", "us"]),
        ("WHO IS IT", []),
        ("Berlin", ["berlin"]),
        ("", []),
    ],
)
def test_function_words_tell_nothing(question: str, informative: list[str]) -> None:
    """In each language what is left is what the question is after; capitals tell the US from us."""
    assert loud(question) == informative


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_is_whole(language: str) -> None:
    """Each language has its hundred words and more, each once."""
    table = _TABLE[language].split()
    assert len(table) == len(set(table)) >= 100


@pytest.mark.parametrize("name", [name for name, _, _ in PEOPLE])
@pytest.mark.parametrize(
    "wording", ["When was {} born?", "{}: birth year", "Wann wurde {} geboren?", "naissance de {}"]
)
def test_a_removed_person_is_missed(name: str, wording: str) -> None:
    """Without the line on a person, no passage holds nearly as much of the question as with it."""
    question = wording.format(name)
    shares = []
    for there in (lines(), lines(without=name)):
        index = PlainIndex()
        index.add(there)
        asked = read(question, [index])
        shares.append(coverage(asked, [found.passage for found in index.search(question, 3)]).best)
    with_it, without_it = shares
    assert without_it < 0.75 * with_it


def test_coverage_names_what_is_missing() -> None:
    """Words that are held and words that are nowhere are told, and the unknown one weighs the most."""
    index = PlainIndex()
    index.add(lines())
    asked = read("Was Nicholas Kane an astronaut born in Albany?", [index])
    told = coverage(asked, [found.passage for found in index.search("Nicholas Kane", 1)])
    assert told.covered == ("nicholas", "kane", "born", "albany")
    assert told.missing == ("astronaut",)
    weights = dict(zip((c.word for c in asked.concepts), asked.information, strict=True))
    assert weights["astronaut"] == max(weights.values())
    assert told.best == told.share < 1


def test_coverage_of_nothing() -> None:
    """No passage covers nothing of a question, and anything covers a question without words."""
    index = PlainIndex()
    index.add(lines())
    assert coverage(read("Kane", [index]), []).share == 0
    assert coverage(read("?!", [index]), []).share == 1


def test_together_is_more_than_the_best() -> None:
    """Two passages that hold one half each cover all of it together, and no one alone."""
    index = PlainIndex()
    index.add(passages(["apples are red", "pears are green"]))
    told = coverage(read("apples pears", [index]), [p for _, p in index.everything()])
    assert told.share == 1
    assert told.best < 1


def test_a_long_question_keeps_its_rare_words() -> None:
    """A page of text as a question is answered by its rarest words, in bounded time."""
    index = PlainIndex()
    index.add(lines())
    question = " ".join(f"filler{n}" for n in range(2000)) + " Petrova"
    asked = read(question, [index])
    assert len(asked.concepts) == 128
