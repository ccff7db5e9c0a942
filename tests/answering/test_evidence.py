"""What an answer may rest on."""

from __future__ import annotations

import pandas as pd
import pytest

from jupyter_localllm.answering.evidence import Evidence, Limits, estimated_tokens, gather
from jupyter_localllm.answering.select import Selected
from tests.compute.tables import CITIES, snapshot


def test_an_answer_must_hold_what_came_out() -> None:
    """Of a computation its results, of a SELECT all its cells; words that leave one out cannot take their place."""
    read = gather("Which cities were founded before 1700?", [snapshot(pd.DataFrame(CITIES))], Limits())
    assert read.results == ("Arlen", "Corvin")
    assert Evidence(selected=Selected("SELECT 1", ("cities",), 45_500, ("45500",))).results == ("45500",)
    assert Evidence().results == ()


@pytest.mark.parametrize("text", ["", "Population of Berlin: 3,769,495", "人口", "\ud800"])
def test_tokens_are_estimated_without_a_model(text: str) -> None:
    """The estimate needs no tokenizer, and any text has one."""
    assert estimated_tokens([text])[0] >= 12
