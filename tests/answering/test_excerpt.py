"""The part of a text that speaks of a question, and whether a claim does."""

from __future__ import annotations

from jupyter_localllm.answering.evidence import Limits
from jupyter_localllm.answering.excerpt import excerpt, sentences_of, speaks_of
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.sources.select import Asked
from jupyter_localllm.sources.snapshot import take_snapshot

TEXT = (
    "The Quillon bridge crosses the Essa. Masons under Tobias Ferrant finished it in 1719. It carries 412 carts a day."
)


def asked(question: str, text: str = TEXT) -> Asked:
    """The question, weighed against the text."""
    choice = gather(question, [take_snapshot(text, "notes")], Limits()).choice
    assert choice is not None
    return choice.asked


def test_sentences() -> None:
    """Sentences of a passage, whatever its line breaks."""
    assert sentences_of("One is 3.5 m\nlong. Two.") == ["One is 3.5 m long.", "Two."]
    assert sentences_of("no stop") == ["no stop"]


def test_the_sentences_behind_come_along() -> None:
    """What is asked for often stands behind the sentence that names the subject."""
    assert "Tobias Ferrant" in excerpt(TEXT, asked("Who ended the Quillon bridge?"))


def test_an_excerpt_is_bounded() -> None:
    """Of a long passage only the part around the best sentence is given."""
    long = " ".join(f"Sentence number {n} says nothing of interest to anybody here." for n in range(200))
    found = excerpt(f"{long} The heron nests in May. {long}", asked("When does the heron nest?", f"{long} heron nest"))
    assert "The heron nests in May." in found
    assert len(found.split()) <= 70


def test_a_bare_value_says_nothing_of_the_question() -> None:
    """ "The answer is 412." may be any number of the passage; a sentence says what it counts."""
    question = asked("How many carts a day does it carry?")
    assert not speaks_of("The answer is 412.", question)
    assert speaks_of("It carries 412 carts a day.", question)
