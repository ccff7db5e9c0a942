"""Objects that describe themselves through ``_ai_repr_`` (jupyter/enhancement-proposals#128)."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pandas as pd
import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import render_for_prompt


class Chart:
    """An object that says what it is told to say."""

    def __init__(self, said: Any) -> None:
        self.said = said

    def _ai_repr_(self, **kwargs: Any) -> Any:
        return self.said


class Described(pd.DataFrame):
    """A frame whose author knows better."""

    def _ai_repr_(self, **kwargs: Any) -> str:
        return "the sales of 2024"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("a chart of sales", "a chart of sales"),
        ({"text/plain": "plain", "image/png": b"..."}, "plain"),
        ({"text/plain": "plain", "text/markdown": "**mark**"}, "**mark**"),
        ({"application/json": '{"a": 1}'}, '{"a": 1}'),
        ("", ""),
    ],
)
def test_an_object_is_taken_at_its_word(said: Any, text: str) -> None:
    """The text is the object's own, Markdown before plain text."""
    assert render_for_prompt(Chart(said)).text == text


def test_it_comes_before_every_other_kind() -> None:
    """A frame that describes itself is not written as a table."""
    assert render_for_prompt(Described({"a": [1]})).text == "the sales of 2024"


@pytest.mark.parametrize("said", [{"image/png": b"x"}, 5, None, {}])
def test_a_description_without_text_is_an_error(said: Any) -> None:
    """A text model cannot read a picture, and the person is told which forms it can."""
    with pytest.raises(SourceError, match=r"chart \(Chart\) describes itself with") as caught:
        render_for_prompt(Chart(said), name="chart")
    assert "text/markdown" in caught.value.hint


def test_an_async_description_is_refused() -> None:
    """A prompt cannot wait; the coroutine is closed and leaves no warning behind."""

    class Slow:
        async def _ai_repr_(self) -> str:
            return "late"

    with pytest.raises(SourceError, match="async _ai_repr_"):
        render_for_prompt(Slow())


def test_a_description_that_raises_is_told() -> None:
    """The author's error is named, with its type."""

    class Broken:
        def _ai_repr_(self) -> str:
            raise ValueError("no data yet")

    with pytest.raises(SourceError, match="ValueError: no data yet"):
        render_for_prompt(Broken())


def test_objects_that_answer_to_any_name_do_not_count() -> None:
    """A mock has every attribute; only a method of the class is a description."""
    assert "describes itself" not in _error(MagicMock(name="m"))


def test_a_class_is_not_its_objects() -> None:
    """The class of a describing object is rendered as a class."""
    assert render_for_prompt(Chart).text.endswith("Chart'>")


def _error(value: Any) -> str:
    try:
        return render_for_prompt(value).text
    except SourceError as error:
        return error.message
