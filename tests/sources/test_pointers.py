"""JSON pointers, as RFC 6901 has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.sources.pointers import parts_of_pointer, pointer_of


@pytest.mark.parametrize(
    ("keys", "pointer"),
    [
        ((), ""),
        (("foo",), "/foo"),
        (("foo", "0"), "/foo/0"),
        (("",), "/"),
        (("a/b",), "/a~1b"),
        (("m~n",), "/m~0n"),
        (("~1",), "/~01"),
        (('k"l', " "), '/k"l/ '),
    ],
)
def test_the_examples_of_the_specification(keys: tuple[str, ...], pointer: str) -> None:
    """Section 5 of the RFC, both ways."""
    assert pointer_of(*keys) == pointer
    assert parts_of_pointer(pointer) == keys


@given(st.lists(st.text()))
def test_every_path_comes_back(keys: list[str]) -> None:
    """No key is confused with another."""
    assert parts_of_pointer(pointer_of(*keys)) == tuple(keys)


def test_what_is_no_pointer_is_none() -> None:
    """A pointer starts with a slash."""
    assert parts_of_pointer("a/b") is None
