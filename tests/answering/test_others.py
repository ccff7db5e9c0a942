"""What other sources say of what is answered."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from jupyter_localllm.answering.evidence import Evidence, Limits
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.answering.others import Claim, same_values, values_of
from jupyter_localllm.sources.snapshot import take_snapshot
from tests.answering.test_ask import marked, says

TOWNS = pd.DataFrame(
    {
        "Town": ["Arlen", "Brume", "Corvin"],
        "Population": [37_694, 21_026, 27_481],
        "Mayor": ["Kai Wegner", "Anne Hidal", "Rob Gualt"],
        "Founded": [1237, 1350, 1453],
    }
)


def found(question: str, **texts: str) -> Evidence:
    """The evidence over the towns and some texts."""
    frame = take_snapshot(TOWNS, "towns")
    return gather(question, [frame, *(take_snapshot(text, name) for name, text in texts.items())], Limits())


@pytest.mark.parametrize(
    ("question", "text", "figures"),
    [
        ("What is the population of Arlen?", "The population of Arlen is 35,000 people.", ("35,000",)),
        ("What is the population of Arlen?", "Arlen lies on a river. Its population is 35,000.", ("35,000",)),
        ("Who is the mayor of Brume?", "The mayor of Brume is Ella Ford.", ("Ella", "Ford")),
        ("When was Corvin founded?", "Corvin was founded in 1460.", ("1460",)),
        ("What is the mean population?", "The mean population of the towns is 50,000.", ("50,000",)),
    ],
)
def test_another_value_is_told(question: str, text: str, figures: tuple[str, ...]) -> None:
    """A text that says another value of the same thing stands beside the table's, and the reader is told."""
    evidence = found(question, notes=text)
    assert evidence.reading is not None
    assert [other.figures for other in evidence.others] == [figures]
    assert [passage.source for passage in evidence.passages[:2]] == ["towns", "notes"]
    assert evidence.statements[1].startswith("notes: ")
    assert "differing" in {note.code for note in evidence.notes}


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is the population of Arlen?", "The population of Arlen is 37,694."),
        ("What is the population of Arlen?", "The population of Arlen is about 37,700."),
        ("What is the population of Arlen?", "The population of Brume is 21,000."),
        ("What is the population of Arlen?", "The population of Arlen grew by 2 %."),
        ("What is the population of Arlen?", "Arlen has 2 lakes, and its population is happy."),
        ("What is the population of Arlen?", "In Arlen the population likes music."),
        ("Who is the mayor of Brume?", "The mayor of Brume is Anne Hidal, a friend of Ella Ford."),
        ("Who is the mayor of Brume?", "The mayor of Brume lives in the Hotel Royal."),
        ("Who is the mayor of Brume?", "The mayor of Brume visited Kai Wegner."),
        ("Who is the mayor of Arlen?", "The mayor of Arlen is Kai Wegner. The mayor of Brume is Anne Hidal."),
        ("What is the population of Arlen?", "Arlen has a population of 37,694. Brume has a population of 20,000."),
        ("What is the population of Arlen?", "Arlen is old. Brume has a population of 20,000."),
        ("What is the population of Arlen?", "The population of Arlen is 37,694. The population of Arlen was 30,000."),
        ("When was Corvin founded?", "Corvin was founded by monks and has 900 houses."),
    ],
)
def test_the_same_or_something_else_is_no_contradiction(question: str, text: str) -> None:
    """A rounded value, another subject, another unit, a number of another size and kind contradict nothing."""
    evidence = found(question, notes=text)
    assert evidence.others == ()
    assert "differing" not in {note.code for note in evidence.notes}


def test_a_claim_of_two_sources_has_both_marks(tmp_path: Path) -> None:
    """What the table says and the text says too is cited from both."""
    llm, _ = says("Nonsense.", tmp_path)
    sources = {"towns": TOWNS, "notes": "Arlen is old. Arlen has a population of 37,694."}
    answer = llm.ask("What is the population of Arlen?", sources)
    assert answer.text == "Population of Arlen: 37694 [1][2]."
    assert {(c.number, c.source, c.status) for c in answer.citations} == {
        (1, "towns", "supported"),
        (2, "notes", "supported"),
    }


def test_both_are_told_each_with_its_mark(tmp_path: Path) -> None:
    """A table and two texts with three values: all are told; words of the model with one value cannot replace them."""
    llm, _ = says("Corvin was founded in 1453.", tmp_path)
    sources = {
        "towns": TOWNS,
        "notes": "Corvin was founded in 1460.",
        "saga": "A song says that Corvin was founded in 1500.",
    }
    answer = llm.ask("When was Corvin founded?", sources)
    assert "1453 [1]" in answer.text
    assert "1460” [2]" in answer.text
    assert "1500” [3]" in answer.text
    assert [citation.reason for citation in answer.citations][1:] == ["another value than [1]"] * 2


def test_tables_are_compared_too(tmp_path: Path) -> None:
    """Two tables that are asked the same: if they agree, one claim has both marks; if not, both are told."""
    llm, engine = says("It is 40000 (towns: 37694).", tmp_path)
    later = TOWNS.assign(Population=[40_000, 21_026, 30_000])
    tables = {"towns": TOWNS, "later": later}
    answer = llm.ask("What is the population of Brume?", tables)
    assert answer.text == "Population of Brume: 21026 [1][2]."
    asked = len(engine.jobs)
    answer = llm.ask("What is the population of Arlen?", tables)
    assert answer.text == "- Population of Arlen: 37694 [1].\n- later: “Population of Arlen: 40000” [2]."
    assert answer.value == 37_694
    assert len(engine.jobs) == asked, "words of a model could only choose between them"
    assert not answer.abstained
    assert [note.code for note in answer.result.notes] == ["differing"]
    assert {c.status for c in answer.check().citations} == {"supported"}
    mean = llm.ask("What is the mean population?", tables)
    assert {c.status for c in mean.check().citations} == {"supported"}
    later.loc[0, "Population"] = 1
    for one in (answer, mean):
        assert [c.status for c in one.check().citations] == ["supported", "stale"]


def test_a_table_that_is_named_is_the_one_that_is_asked(tmp_path: Path) -> None:
    """The words of a table's name choose it; what others say is not asked for then."""
    llm, _ = says("Nonsense.", tmp_path)
    tables = {"sales_2023": TOWNS, "sales_2024": TOWNS.assign(Population=[1, 2, 3])}
    answer = llm.ask("What is the population of Brume in sales_2024?", tables)
    assert answer.text == "Population of Brume: 2 [1]."
    assert answer.citations[0].source == "sales_2024"
    assert llm.ask("How many rows has small?", {"towns": TOWNS, "small": TOWNS[:1]}).value == 1


def test_each_of_many_tables_is_told(tmp_path: Path) -> None:
    """However many tables agree, the one that does not is told."""
    llm, _ = says("Nonsense.", tmp_path)
    tables = {f"month_{n}": TOWNS for n in range(11)} | {"odd": TOWNS.assign(Population=[99, 2, 3])}
    answer = llm.ask("What is the population of Arlen?", tables)
    assert "odd: “Population of Arlen: 99”" in answer.text
    assert {c.source for c in answer.citations} == set(tables)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (["1.5"], ["1.50"], True),
        (["1"], ["1.0"], True),
        (["2024-01-02"], ["2 January 2024"], True),
        (["Ann"], ["ann"], True),
        (["1.5"], ["1.6"], False),
        (["37,694"], ["about 37,700"], False),
        (["Ann 5"], ["Bob 5"], False),
        (["5", "6"], ["5"], False),
    ],
)
def test_the_same_value_in_another_writing(one: list[str], two: list[str], *, same: bool) -> None:
    """How a value is written makes no contradiction."""
    assert same_values(one, two) is same
    assert same_values(two, one) is same


def test_texts_that_disagree_are_both_told(tmp_path: Path) -> None:
    """The model answers from one text; what the other one says is told behind it."""
    llm, _ = says("The bridge was opened in 1932.", tmp_path)
    sources = {"one": "The bridge was opened in 1932.", "two": "People say that the bridge was opened in 1934."}
    answer = llm.ask("When was the bridge opened?", sources)
    assert answer.text == (
        "The bridge was opened in 1932 [1].\n\ntwo: “People say that the bridge was opened in 1934” [2]."
    )
    assert marked(answer)[-1] == (2, "supported", "two: “People say that the bridge was opened in 1934”")


def test_a_question_for_figures_is_answered_by_figures() -> None:
    """What a claim answers is what it adds to the question: figures before names."""
    assert values_of("It was opened in 1932 by Ada Lane.", "When was it opened?") == ("1932",)
    assert values_of("It was opened by Ada Lane.", "Who opened it?") == ("Ada", "Lane")
    assert values_of("It was opened in 1932.", "What was opened in 1932?") == ()
    assert Claim("It was opened in 1932.", ("1932",), "one").source == "one"
