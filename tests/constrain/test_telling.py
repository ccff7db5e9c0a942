"""Promises of `jupyter_localllm.constrain.telling`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import pytest

from jupyter_localllm.constrain.telling import told
from jupyter_localllm.constrain.typed import typed


@dataclasses.dataclass
class Dish:
    """What is on a plate."""

    name: Annotated[str, "as the menu has it"]


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (Dish, ["the answer: What is on a plate.", "name: as the menu has it"]),
        (Annotated[Dish, "the last one"], ["the answer: the last one", "name: as the menu has it"]),
        (dict[str, Annotated[int, "grams"]], ["*: grams"]),
        (tuple[Annotated[int, "from"], Annotated[int, "to"]], ["[0]: from", "[1]: to"]),
        (dict[str, Dish], ["*: What is on a plate.", "*.name: as the menu has it"]),
        ({"patternProperties": {"^x": {"type": "integer", "description": "grams"}}}, ["*: grams"]),
    ],
)
def test_every_part_that_says_something_is_told(given: Any, lines: list[str]) -> None:
    """By its way from the root, whatever it stands in."""
    assert told(typed(given), held=True).splitlines()[1:] == [f"- {line}" for line in lines]
