"""Objects that are no data: what of them can be cited, and a plain word for the rest."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.display import Image, Markdown

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.snapshot import take_snapshot
from jupyter_localllm.types import Answer, Result


class Plain:
    def __repr__(self) -> str:
        raise AssertionError("a repr may take a minute")

    __str__ = __repr__


class Async:
    async def _ai_repr_(self) -> str:
        return "never"


Figure = type("Figure", (), {"__module__": "matplotlib.figure"})


async def coroutine() -> None: ...


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Answer("It is 3 [1]."), "It is 3 [1]."),
        (Result("The capital is Paris."), "The capital is Paris."),
        (Markdown("**Bold** claim."), "**Bold** claim."),
        (ValueError("bad value"), "it: ValueError: bad value"),
        (pd.Period("2024-01"), "it: 2024-01"),
        (ipaddress.ip_address("127.0.0.1"), "it: 127.0.0.1"),
    ],
)
def test_objects_with_a_text_that_is_whole(value: Any, text: str) -> None:
    """Answers, displays, exceptions and small values of known packages are cited by their text."""
    assert [p.text for p in take_snapshot(value, "it").passages()] == [text]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Plain(), "repr() may be slow"),
        (pd.DataFrame({"a": [1]}).groupby("a"), "repr() may be slow"),
        (json, "is a module"),
        (Figure(), "a figure or an image"),
        (Image(data=b"GIF89a", format="gif"), "a figure or an image"),
        (Async(), "async _ai_repr_"),
        (b"abc", "not text"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_objects_that_cannot_be_cited(value: Any, why: str) -> None:
    """A plain word and a way out, and no repr is called."""
    with pytest.raises(SourceError) as caught:
        take_snapshot(value, "thing")
    assert why in caught.value.message
    assert caught.value.message.startswith("thing")
    assert caught.value.hint


@pytest.mark.parametrize(
    "make",
    [lambda: (n for n in range(3)), lambda: iter([0, 1, 2]), lambda: map(int, "012"), lambda: io.StringIO("0\n1\n2")],
)
def test_what_can_be_read_once_is_refused_and_not_consumed(make: Any) -> None:
    """The notebook's generator still has all of its values, and the person is told to make a list."""
    value = make()
    with pytest.raises(SourceError, match="only once") as caught:
        take_snapshot(value, "rows")
    assert "list(rows)" in caught.value.hint
    assert list(value) == list(make())


def test_an_open_file_is_refused_and_stays_where_it_is(tmp_path: Path) -> None:
    """Nothing of it is read."""
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    with path.open() as file:
        with pytest.raises(SourceError, match="only once") as caught:
            take_snapshot(file, "file")
        assert "file.read()" in caught.value.hint
        assert file.read() == "one\ntwo\n"


def test_a_coroutine_is_refused_and_can_still_be_awaited() -> None:
    """It is left to the person who made it."""
    value = coroutine()
    with pytest.raises(SourceError, match="must be awaited"):
        take_snapshot(value, "task")
    asyncio.run(value)
