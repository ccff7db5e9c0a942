"""Objects with a text, and a plain word for those without one."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.display import Image, Markdown

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import render_for_prompt


class Plain:
    """No text of its own."""


class Sky:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class Shelf(Sky):
    def __len__(self) -> int:
        return 1000


class Sparse(Sky):
    shape = (3, 3)

    def toarray(self) -> Any: ...


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("not today")


class Endless:
    def __str__(self) -> str:
        return str(self)


Figure = type("Figure", (Sky,), {"__module__": "matplotlib.figure"})


async def coroutine() -> None: ...


@pytest.mark.parametrize(
    ("value", "text", "note"),
    [
        (Sky("blue"), "blue", ""),
        (Sky("to be continued..."), "to be continued...", ""),
        (Shelf("books, 1 to 1000"), "books, 1 to 1000", ""),
        (Sky("a, ..., z"), "a, ..., z", "its own text, which contains an ellipsis"),
        (ValueError("bad value"), "ValueError: bad value", ""),
        (KeyError("x"), "KeyError: 'x'", ""),
        (int, "<class 'int'>", ""),
        (np.dtype("f8"), "float64", ""),
        (pd.Interval(0, 1), "(0, 1]", ""),
        (pd.Period("2024-01"), "2024-01", ""),
        (Markdown("**hi**"), "**hi**", ""),
    ],
)
def test_an_object_with_a_text_is_that_text(value: Any, text: str, note: str) -> None:
    """Str is taken at its word; an ellipsis in it is at least said."""
    rendered = render_for_prompt(value)
    assert (rendered.text, rendered.note) == (text, note)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Plain(), "no text of its own"),
        (pd.DataFrame({"a": [1]}).groupby("a"), "no text of its own"),
        (Shelf("[1 2 ... 999]"), "prints only a part of itself"),
        (Shelf("a\n…\nz"), "prints only a part of itself"),
        (Sparse("(0, 0) 1"), "sparse"),
        (Unprintable(), "RuntimeError: not today"),
        (Endless(), "RecursionError"),
        (len, "is a function"),
        ("".upper, "is a function"),
        (json.dumps, "is a function"),
        (lambda: None, "is a function"),
        (pd.DataFrame({"a": [1]}).head, "is a function"),
        (json, "is a module"),
        (Figure("Figure(640x480)"), "a figure or an image"),
        ([Figure("a line")], "a figure or an image"),
        (Image(data=b"GIF89a", format="gif"), "a figure or an image"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_object_that_would_mislead_is_refused(value: Any, why: str) -> None:
    """An address, a part, a picture: each gets a plain word and a hint, and none gets into a prompt."""
    with pytest.raises(SourceError) as caught:
        render_for_prompt(value, name="thing")
    assert why in caught.value.message
    assert caught.value.hint
    assert " at 0x" not in caught.value.message


@pytest.mark.parametrize(
    "make",
    [
        lambda: (n for n in range(3)),
        lambda: iter([0, 1, 2]),
        lambda: map(int, "012"),
        lambda: zip(range(3), range(3), strict=True),
        lambda: io.StringIO("0\n1\n2"),
        lambda: json.JSONEncoder().iterencode([0, 1]),
    ],
)
def test_what_can_be_read_once_is_refused_and_not_consumed(make: Any) -> None:
    """The notebook's generator still has all of its values afterwards."""
    value = make()
    with pytest.raises(SourceError, match="only once") as caught:
        render_for_prompt(value, name="rows")
    assert "{{ rows | list }}" in caught.value.hint
    assert list(value) == list(make())


def test_a_coroutine_is_refused() -> None:
    """It is left to the person who made it."""
    value = coroutine()
    with pytest.raises(SourceError, match="must be awaited"):
        render_for_prompt(value, name="task")
    value.close()


def test_an_interrupt_in_a_slow_text_passes() -> None:
    """A text that takes a minute can be stopped."""

    class Slow:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_for_prompt(Slow())


def test_real_figures_and_images_are_refused() -> None:
    """The classes that people really have."""
    image = pytest.importorskip("PIL.Image").new("L", (2, 2))
    figure = pytest.importorskip("matplotlib.figure").Figure()
    for value in (image, figure, figure.subplots()):
        with pytest.raises(SourceError, match="a figure or an image"):
            render_for_prompt(value)


def test_a_hostile_class_property_is_an_error_and_no_crash() -> None:
    """An object that raises when it is asked what it is costs a word, not the cell."""

    class Proxy:
        @property
        def __class__(self) -> type:
            raise RuntimeError("not bound")

    with pytest.raises(SourceError, match="not bound"):
        render_for_prompt(Proxy())
