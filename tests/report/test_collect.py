"""Answers are read back from saved notebooks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from jupyter_localllm.errors import UsageError
from jupyter_localllm.report.collect import KeptAnswer, collect, to_frame
from jupyter_localllm.show.bundle import ANSWER_MIME
from tests.report.samples import ANSWERED, CITED, KINDS, notebook


def only(kind: str) -> KeptAnswer:
    (answer,) = collect(notebook(kind))
    return answer


def test_all_kinds_in_their_order() -> None:
    """Answers of every kind count, and each knows its cell."""
    found = collect(notebook())
    assert [answer.cell_id for answer in found] == list(ANSWERED)
    assert [answer.cell for answer in found] == [1 + list(KINDS).index(name) for name in ANSWERED]


def test_an_answer() -> None:
    """What the output says stands in its field, and the record is the metadata."""
    answer = only("plain")
    assert (answer.name, answer.question) == ("capital", "What is the capital of France?")
    assert (answer.text, answer.model, answer.seed) == (answer.data["text"], "smollm2-135m-instruct", 1)
    assert (answer.cached, answer.seconds, answer.error, answer.abstained) == (False, 1.5, None, False)
    assert answer.record["prompt_sha256"] == "cd" * 32


def test_name_and_question_of_older_outputs() -> None:
    """Where the output does not say them, the cell does."""
    assert (only("cached").name, only("cached").question) == (None, "Again?")
    assert only("typed").name == "legs"
    assert only("typed").question == "How many legs?"
    assert (only("remote").name, only("remote").question) == (None, None)


def test_citations_are_counted() -> None:
    """As many of each status as the answer has."""
    answer = only("cited")
    statuses = [citation.status for citation in CITED.citations]
    counted = (answer.supported, answer.unsupported, answer.unchecked)
    assert counted == tuple(statuses.count(one) for one in ("supported", "unsupported", "unchecked"))
    assert sum(counted) > 2


def test_cache_state() -> None:
    """From the cache, from the model, or neither, as nobody asked a model."""
    assert [only(kind).cached for kind in ("cached", "plain", "abstained", "error")] == [True, False, None, None]
    assert only("abstained").abstained


def test_a_map() -> None:
    """A map is one answer: its outcome, its template, and what failed."""
    answer = only("map")
    assert (answer.kind, answer.name, answer.question) == ("map", "words", "Say {{ city }}")
    assert answer.text.startswith("2 of 3 rows answered by m, 1 failed.")
    assert (answer.cached, answer.seconds, answer.seed) == (False, 1.5, 1)
    assert answer.error == "1 of 3 rows failed; the first: too large"


@pytest.mark.parametrize(
    ("counts", "cached"),
    [
        ({"rows": 4, "cached": 2, "asked": 0}, True),  # a row that is another's again, and one that was left out
        ({"rows": 4, "cached": 3, "asked": 1}, False),
        ({"rows": 4, "cached": 3, "asked": 0, "failed": 1}, False),
        ({"rows": 2, "cached": 0, "asked": 0}, None),
        ({"rows": 2, "cached": 2}, True),
        ({"rows": 2, "cached": 1}, False),
        ({"rows": 2}, None),
    ],
)
def test_the_cache_of_a_map(counts: dict[str, int], cached: bool | None) -> None:
    """It came from the cache if no row was asked or failed: equal rows are asked once, some not at all."""
    made = copy.deepcopy(notebook("map"))
    record = made.cells[1].outputs[0].metadata["jupyter_localllm"]
    record |= {"rows": counts["rows"], "failed": counts.get("failed", 0)}
    record["volatile"] = {name: count for name, count in counts.items() if name in ("cached", "asked")}
    assert collect(made)[0].cached is cached


def test_what_did_not_come() -> None:
    """A recorded error has its words and no text; an answer that was broken off says so."""
    error = only("error")
    assert (error.kind, error.name, error.text, error.error) == ("error", "e", "", "CacheMiss: no entry")
    assert only("interrupted").error == "interrupted: incomplete"
    assert only("broken").error == "ValueError: incomplete"


def test_a_frame() -> None:
    """A row for each answer, missing values as pandas' own."""
    frame = to_frame(collect(notebook("plain", "abstained")))
    assert list(frame["cached"].isna()) == [False, True]
    assert list(frame["seed"].fillna(-1)) == [1, -1]
    assert list(to_frame(()).columns) == list(frame.columns)


def test_from_a_file(tmp_path: Path) -> None:
    """A path, a notebook in memory and plain JSON give the same."""
    made = notebook()
    path = tmp_path / "n.ipynb"
    nbformat.write(made, path)
    assert collect(path) == collect(str(path)) == collect(made) == collect(json.loads(json.dumps(made)))


def test_no_notebook(tmp_path: Path) -> None:
    """A file that is none, or that is not there, is named."""
    (tmp_path / "n.ipynb").write_text("{")
    for name in ("n.ipynb", "other.ipynb"):
        with pytest.raises(UsageError, match=name):
            collect(tmp_path / name)


@pytest.mark.parametrize(
    "record", [None, 3, [], {}, {"error": 7}, {"rows": "x", "volatile": 3}, {"volatile": {"timings": 1}, "sampling": 2}]
)
def test_what_others_wrote(record: Any) -> None:
    """A file that somebody else made is read without a fault, whatever stands in the places that we write."""
    data = {ANSWER_MIME: {"text": 5, "citations": [1, {"status": "odd"}], "notes": 4}, "text/plain": "x"}
    output = new_output("display_data", data=data, metadata={"jupyter_localllm": record})
    for answer in collect(new_notebook(cells=[new_code_cell("x", outputs=[output])])):
        assert isinstance(answer.text, str)
        assert answer.supported == 0
