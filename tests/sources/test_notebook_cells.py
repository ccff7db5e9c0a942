"""Cells and outputs by number."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.notebook_cells import cell_source

NS: dict[str, Any] = {"In": ["", "x = 1\n# why\ny = 2", "{'a': 1}", "cite"], "Out": {2: {"a": 1}}}


def test_a_cell_is_code_with_lines() -> None:
    """``In[1]`` is what was typed."""
    held = cell_source(NS, "In[1]")
    assert held is not None
    assert (held.kind, held.name) == ("code", "In[1]")
    (passage,) = held.passages()
    assert passage.text == NS["In"][1]
    assert passage.locator.lines == (1, 3)


def test_an_output_is_its_object() -> None:
    """``Out[2]`` is cited as what it is."""
    held = cell_source(NS, " Out [ 2 ] ")
    assert held is not None
    assert held.name == "Out[2]"
    assert [p.text for p in held.passages()] == ["a: 1"]


@pytest.mark.parametrize("name", ["df", "In", "In[x]", "In[1].strip()", "Out[-1]", "_3", "Inn[1]"])
def test_other_names_are_left_to_others(name: str) -> None:
    """Only the plain form is a cell."""
    assert cell_source(NS, name) is None


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("In[9]", "In[9] does not exist: no cell with this number ran.", "There are In[1], In[2], In[3]."),
        ("In[0]", "In[0] does not exist", "There are In[1]"),
        ("Out[1]", "Out[1] does not exist: cell 1 gave no output.", "There are Out[2]."),
        ("Out[9]", "no cell with this number ran.", "There are Out[2]."),
    ],
)
def test_a_cell_that_is_not_there(name: str, message: str, hint: str) -> None:
    """The error names those that are."""
    with pytest.raises(SourceError) as caught:
        cell_source(NS, name)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_empty_notebook() -> None:
    """No list of cells is no error of another kind."""
    for name, said in (("In[1]", "No cell has run so far."), ("Out[1]", "No cell has given an output so far.")):
        with pytest.raises(SourceError) as caught:
            cell_source({}, name)
        assert caught.value.hint == said
