"""Passages fit into the window of the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import jupyter_localllm as jl
from jupyter_localllm.answering.prompt import room_for_sources
from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.pipeline import Request
from jupyter_localllm.types import Message, Sampling
from tests.compute.tables import CITIES

pytestmark = pytest.mark.model

NOTES = "\n\n".join(
    f"Note {n}. The harbour {n} of Arlen was rebuilt in {1900 + n} after the storm and has {n + 3} piers, which the"
    " town counts each spring with great care and some pride."
    for n in range(40)
)
QUESTION = "When was the harbour 12 of Arlen rebuilt?"


@pytest.fixture
def small(model_path: Path, tmp_path: Path, seen_model: Callable[[Path], None]) -> jl.LocalLLM:
    """A model with a window of 512 tokens."""
    seen_model(tmp_path)
    return jl.LocalLLM(
        model=str(model_path), n_ctx=512, n_threads=1, max_tokens=64, calibrate=False, cache_dir=str(tmp_path)
    )


def test_a_window_that_is_set_bounds_the_passages(small: jl.LocalLLM) -> None:
    """With a window set by hand only as much is chosen as it leaves, without asking the model for its tokens."""
    answer = small.ask(QUESTION, {"notes": NOTES})
    assert "1912" in answer.text
    assert 0 < len(answer.passages) < 8
    assert answer.result.usage.prompt_tokens + 64 <= 512
    assert "cut" not in {note.code for note in answer.result.notes}


def test_what_does_not_fit_is_left_out_and_said(small: jl.LocalLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more was chosen than fits, passages are left out until it does, and the answer says how many."""
    monkeypatch.setattr("jupyter_localllm.answering.room_for_sources", lambda request, question: None)
    answer = small.ask(QUESTION, {"notes": NOTES})
    assert "1912" in answer.text
    assert [note.text for note in answer.result.notes if note.code == "cut"] == [
        "4 of 8 passages left out: the model's window is full"
    ]


def test_what_is_stated_needs_no_window(small: jl.LocalLLM) -> None:
    """A computed answer stands, even if the model cannot read the prompt that would let it word it."""
    answer = small.ask("What is the population of Dahl?", {"cities": pd.DataFrame(CITIES)}, system="Be kind. " * 300)
    assert answer.text == "population of Dahl: 45500 [1]."


def test_what_agrees_is_cited_even_if_the_model_has_no_room_for_it(
    small: jl.LocalLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passages are left out of what the model reads, never out of what the answer cites."""
    monkeypatch.setattr("jupyter_localllm.answering.room_for_sources", lambda request, question: None)
    sources = {"cities": pd.DataFrame(CITIES), "notes": f"The population of Dahl is 45500.\n\n{NOTES}"}
    answer = small.ask("What is the population of Dahl?", sources, system="Be kind. " * 110)
    assert "45500 [1][" in answer.text
    assert all(citation.number <= len(answer.passages) for citation in answer.citations)


def test_one_passage_that_does_not_fit_is_an_error(small: jl.LocalLLM) -> None:
    """A window in which not even one passage has room is an error that names the parts, and no wrong answer."""
    with pytest.raises(ContextOverflow, match="the window of 512"):
        small.ask(QUESTION, {"notes": NOTES}, system="Be kind. " * 300)


def test_room_is_what_the_window_leaves() -> None:
    """No bound where the window is not known; else less for a longer question and a longer answer."""
    request = Request((Message.of("user", "?"),), Sampling())
    assert room_for_sources(request, QUESTION) is None

    def room(window: int, question: str, most: int) -> int:
        found = room_for_sources(Request((Message.of("user", "?"),), Sampling(), most, window=window), question)
        assert found is not None
        return found

    assert room(4_096, QUESTION, 64) - room(4_096, QUESTION, 164) == 100
    assert room(4_096, QUESTION, 64) > room(4_096, QUESTION * 9, 64)
    assert room(64, QUESTION, 64) > 0
