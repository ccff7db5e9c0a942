"""Strings, paths and bytes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import Rendered, render_for_prompt


class Loud(str):
    """A string that says something else than it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "SHOUTING"


class Colour(str, Enum):
    RED = "red"


@given(st.text())
def test_a_string_is_put_in_as_it_is(text: str) -> None:
    """No character is added, lost, quoted or escaped."""
    assert render_for_prompt(text).text == text


def test_a_string_stays_where_it_stands() -> None:
    """A string of many lines is not moved to lines of its own: it is as it is."""
    assert render_for_prompt("a\nb\r\n") == Rendered("a\nb\r\n", "", block=False)


def test_a_long_string_is_said_to_be_long() -> None:
    """The note gives the size of a text that nobody would count; a short one needs none."""
    assert render_for_prompt("a" * 1000).note == ""
    assert render_for_prompt("a" * 12_345).note == "12,345 characters"


@pytest.mark.parametrize(("value", "text"), [(Loud("hush"), "hush"), (Colour.RED, "red")])
def test_what_a_string_holds_counts(value: str, text: str) -> None:
    """A subclass is read by its characters, whatever its own str() says."""
    assert render_for_prompt(value).text == text


def test_a_path_is_a_name_and_no_file(tmp_path: Path) -> None:
    """The file behind a path is not read: that would be done in code, by the person."""
    file = tmp_path / "secret.txt"
    file.write_text("the content", encoding="utf-8")
    assert render_for_prompt(file) == Rendered(str(file))
    assert render_for_prompt(PurePosixPath("/a/b")).text == "/a/b"


@pytest.mark.parametrize("value", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_bytes_are_refused_with_the_way_to_decode_them(value: Any) -> None:
    """How bytes are to be read is not ours to guess."""
    with pytest.raises(SourceError, match=r"raw is \w+ \(3 bytes\), not text") as caught:
        render_for_prompt(value, name="raw")
    assert caught.value.hint == 'Decode it: {{ raw.decode("utf-8") }}.'
