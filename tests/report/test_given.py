"""What two runs were given, and whether they are runs at all."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_localllm.report.given import Given, given, has_run, lines


def ran(parameters: Any) -> Any:
    return new_notebook(metadata={"papermill": {"parameters": parameters}})


def test_given() -> None:
    """Parameters that are others, new ones, and those that are gone; what is the same is not told."""
    found = given(ran({"a": 1, "b": [1], "c": "x"}), ran({"a": 1, "b": [2], "d": 5}))
    assert found == (Given("b", [1], [2]), Given("c", "x", None), Given("d", None, 5))
    assert lines(found)[1:] == ["parameter c: x → its default", "parameter d: its default → 5"]
    assert given(ran(3), new_notebook()) == ()


def test_a_secret_is_not_told() -> None:
    """Of a parameter whose name speaks of a secret it is told that it is another, and no more."""
    found = given(ran({"api_key": "one", "region": "EU"}), ran({"api_key": "two", "password": 5}))
    assert lines(found) == [
        "parameter api_key: … → …", "parameter region: EU → its default", "parameter password: its default → …",
    ]  # fmt: skip
    assert found[0] == Given("api_key", "…", "…")


def test_a_terminal_is_not_obeyed() -> None:
    """A notebook may come from anybody."""
    (line,) = lines(given(ran({"a\n\x1b[2J": "x\n" * 100}), ran({})))
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 150


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], True),
        ([new_markdown_cell("x")], True),
        ([new_code_cell("1")], False),
        ([new_code_cell("1"), new_code_cell("1", execution_count=1)], True),
        ([new_code_cell("1", outputs=[new_output("stream", text="x")])], True),
    ],
)
def test_has_run(cells: list[Any], expected: bool) -> None:
    """An output or a count says so; a notebook without code has nothing to run."""
    assert has_run(new_notebook(cells=cells)) is expected
    assert has_run({"cells": 3})
