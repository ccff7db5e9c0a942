"""Tasks over the texts of a column."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest

from jupyter_localllm import tasks
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Job

FRAME = pd.DataFrame({"text": ["Lovely {{ braces }}", "Awful"], "localllm": [1, 2]}, index=["x", "y"])


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Asked:
    """Keeps the prompts, and answers them all alike."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.jobs: list[Job] = []

    def __call__(self, job: Job) -> str:
        self.jobs.append(job)
        return self.answer

    @property
    def prompts(self) -> list[str]:
        return sorted(job.prompt.messages[-1].content for job in self.jobs)


@pytest.mark.parametrize("labels", [["good", "bad"], Literal["good", "bad"], Mood, {"good": "", "bad": ""}])
def test_classify(make: Callable[..., LocalLLM], labels: Any) -> None:
    """One of the labels, as a category with the index of the data."""
    asked = Asked("good")
    made = tasks.classify(make(asked), FRAME, labels, column="text")
    assert made.cat.categories.tolist() == ["good", "bad"]
    assert made.to_dict() == {"x": "good", "y": "good"}
    assert asked.prompts[1].endswith("Text:\n<<<\nLovely {{ braces }}\n>>>")
    assert "- good\n- bad\n" in asked.prompts[0]


def test_what_labels_mean_is_told(make: Callable[..., LocalLLM]) -> None:
    """Beside each label; a question of one's own may have braces."""
    asked = Asked("a")
    made = tasks.classify(make(asked), ["x"], {"a": "the first", "b": "the {{ second }}"}, about="Which {{ one }}?")
    assert made == ["a"]
    assert asked.prompts[0].startswith("Which {{ one }}?\n\nLabels:\n- a: the first\n- b: the {{ second }}\n")


def test_meanings_of_members_are_told(make: Callable[..., LocalLLM]) -> None:
    """Labels that are no texts go by their values, and so do their meanings."""
    asked = Asked("good")
    assert tasks.classify(make(asked), ["x"], {Mood.GOOD: "praise", Mood.BAD: "complaint"}) == ["good"]
    assert "- good: praise\n- bad: complaint\n" in asked.prompts[0]


@pytest.mark.parametrize(
    "task",
    [
        lambda llm, data: tasks.classify(llm, data, ["a", "b"]),
        lambda llm, data: tasks.extract(llm, data, Literal["a", "b"]),
        tasks.summarize,
        lambda llm, data: tasks.translate(llm, data, "French"),
    ],
    ids=["classify", "extract", "summarize", "translate"],
)
def test_an_iterator_keeps_its_first_row(make: Callable[..., LocalLLM], task: Callable[..., Any]) -> None:
    """To look at the data uses nothing of them up."""
    asked = Asked("a")
    assert task(make(asked), iter(["one", "two", "three"])) == ["a"] * 3
    assert ["\none\n" in prompt for prompt in asked.prompts].count(True) == 1


def test_extract(make: Callable[..., LocalLLM]) -> None:
    """A column for each field."""

    class Offer(pydantic.BaseModel):
        article: str
        price: float | None

    made = tasks.extract(
        make('{"article": "tea", "price": null}'), pl.Series("mail", ["a mail"]), Offer, about="Mails."
    )
    assert made.to_dicts() == [{"article": "tea", "price": None}]
    assert made.schema["price"] == pl.Float64


def test_summarize_and_translate(make: Callable[..., LocalLLM]) -> None:
    """What is asked for stands first, and the options are those of a map."""
    asked = Asked("short")
    assert tasks.summarize(make(asked), ["a long text"], words=5, language="French") == ["short"]
    assert asked.prompts[0].startswith("Summarize the text in at most 5 words. Write it in French.")
    assert asked.jobs[0].max_tokens == 20
    told = Asked("bonjour")
    assert tasks.translate(make(told), ["hello"], "French", glossary={"tea": "thé"}, max_tokens=9) == ["bonjour"]
    assert "- tea: thé" in told.prompts[0]
    assert told.jobs[0].max_tokens == 9


def test_embed(make: Callable[..., LocalLLM]) -> None:
    """In the order of the rows, equal texts alike."""
    vectors = tasks.embed(make(), pl.DataFrame({"text": ["a b", "c", "a b"]}), column="text")
    assert vectors.shape[0] == 3
    assert np.array_equal(vectors[0], vectors[2])
    assert tasks.embed(make(), []).shape[0] == 0


def test_dedupe(make: Callable[..., LocalLLM]) -> None:
    """Each row has the position of the first of its group; more rows than are compared at once."""
    texts = pd.Series(["red tea", "green coffee", "red tea", "tea red", "blue milk"], index=list("vwxyz"))
    groups = tasks.dedupe(make(), texts)
    assert groups.to_dict() == {"v": 0, "w": 1, "x": 0, "y": 0, "z": 4}
    assert texts[~groups.duplicated()].tolist() == ["red tea", "green coffee", "blue milk"]
    many = [f"word{i % 1500} other{i % 1500}" for i in range(2600)]
    found = tasks.dedupe(make(), many, threshold=1.0)
    assert all(found[i] == found[i % 1500] for i in range(2600))


def test_dedupe_confirmed(make: Callable[..., LocalLLM]) -> None:
    """What the model denies is not joined; equal texts are the same without a question."""
    denied = Asked("different")
    assert tasks.dedupe(make(denied), ["red tea", "tea red", "red tea"], confirm=True) == [0, 1, 0]
    assert len(denied.jobs) == 1
    assert tasks.dedupe(make("same"), ["old tea", "tea old"], confirm=True) == [0, 0]


class Angles:
    """Texts are angles in degrees; the model says the same of those that begin with the same letter."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def embed(self, texts: Any) -> Any:
        turned = np.radians([float(text[1:]) for text in texts])
        return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)

    def map(self, template: str, data: Any, **options: Any) -> list[str]:
        pairs = [(pair["first"], pair["second"]) for pair in data]
        self.asked += pairs
        return ["same" if first[0] == second[0] else "different" for first, second in pairs]


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        (["a0", "b8", "b14"], [0, 1, 1]),  # 14 is near none but the one that was denied
        (["a0", "b8", "b9"], [0, 1, 1]),
        (["a0", "b8", "a6"], [0, 1, 0]),  # the nearest is denied, and another one confirmed before
        (["a0", "b4", "c8", "b6", "c9", "a1"], [0, 1, 2, 1, 2, 0]),
        (["a0", "b1", "c2", "d3", "e4", "f5"], [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_text_that_is_denied_begins_a_group(texts: list[str], groups: list[int]) -> None:
    """Which later ones can join, as if one had been asked after the other; no pair is asked twice."""
    llm = Angles()
    assert tasks.dedupe(llm, texts, threshold=float(np.cos(np.radians(10))), confirm=True) == groups
    assert len(llm.asked) == len(set(llm.asked)) <= 2 * len(texts)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda llm: tasks.classify(llm, ["a"], ["only"]), "at least two different labels, not 1"),
        (lambda llm: tasks.classify(llm, FRAME, ["a", "b"]), "which column has the texts"),
        (lambda llm: tasks.summarize(llm, ["a"], words=0), "at least one word"),
        (lambda llm: tasks.translate(llm, ["a"], " "), "no language"),
        (
            lambda llm: tasks.embed(llm, pd.Series(["a", None], index=["x", "y"])),
            r"row 1 \(label 'y'\) is \w+, not a text",
        ),
        (
            lambda llm: tasks.embed(llm, pd.Series([None], index=np.array([7]), dtype=object)),
            r"row 0 \(label 7\) is NoneType",
        ),
        (lambda llm: tasks.dedupe(llm, ["a"], threshold=1.5), "cosine from 0 to 1"),
        (lambda llm: tasks.classify(llm, FRAME, ["a", "b"], column="txet"), "no column txet"),
    ],
)
def test_what_is_wrong_is_told(llm: LocalLLM, call: Callable[[LocalLLM], Any], says: str) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match=says):
        call(llm)


@pytest.mark.model
def test_the_real_model() -> None:
    """A small model keeps to the labels, and finds the plain ones."""
    llm = LocalLLM(max_tokens=16)
    moods = tasks.classify(
        llm, ["I love it, wonderful!", "Terrible, I hate it."], {"positive": "praise", "negative": "complaint"}
    )
    assert set(moods) <= {"positive", "negative"}


@pytest.mark.parametrize(
    "task",
    [
        lambda llm, data, **more: tasks.classify(llm, data, ["a", "b"], **more),
        lambda llm, data, **more: tasks.extract(llm, data, Literal["a", "b"], **more),
        tasks.summarize,
        lambda llm, data, **more: tasks.translate(llm, data, "French", **more),
    ],
    ids=["classify", "extract", "summarize", "translate"],
)
def test_missing_texts_are_not_asked(make: Callable[..., LocalLLM], task: Callable[..., Any]) -> None:
    """There is nothing to say about them; whatever the data, also in the first and in the last row."""
    asked = Asked("a")
    llm = make(asked)
    for data in (pd.Series([None, "x", float("nan")]), pl.Series([None, "x", None]), [None, "x", None]):
        made = task(llm, data)
        assert [None if pd.isna(one) else one for one in made] == [None, "a", None]
    assert task(llm, pd.DataFrame({"t": ["x", None]}), column="t").tolist()[0] == "a"
    assert all("<<<\nx\n>>>" in prompt for prompt in asked.prompts)
    assert task(llm, ["y", None], dry_run=True).sampled == 1


def test_labels_that_are_numbers(make: Callable[..., LocalLLM]) -> None:
    """Numbers and truth values are given back as such."""
    asked = Asked("1")
    assert tasks.classify(make(asked), ["x"], [1, 2]) == [1]
    assert tasks.classify(make(asked), ["x"], np.array([1, 2])) == [1]
    assert tasks.classify(make(asked), ["x"], {1: "bad", 5: "good"}) == [1]
    assert "- 1: bad\n- 5: good\n" in asked.prompts[-1]
    assert tasks.classify(make("true"), ["x"], [True, False]) == [True]
    made = tasks.classify(make(asked), pd.Series(["x"]), [1, 2])
    assert (made.tolist(), str(made.dtype)) == ([1], "Int64")


@pytest.mark.parametrize("option", ["schema", "variables"])
def test_what_a_task_has_of_its_own(make: Callable[..., LocalLLM], option: str) -> None:
    """It cannot be given besides."""
    with pytest.raises(UsageError, match=f"a task makes its own {option}"):
        tasks.classify(make("a"), ["x"], ["a", "b"], **{option: {}})


def test_a_cut_text_is_told(make: Callable[..., LocalLLM]) -> None:
    """Once, with the number of rows."""
    with pytest.warns(RuntimeWarning, match="2 answers are cut off") as told:
        tasks.summarize(make("w " * 500), ["long text", "another"], words=5)
    assert len(told) == 1
