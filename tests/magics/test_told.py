"""What an output's metadata says of the question."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.magics.arguments import parse_cell
from jupyter_localllm.magics.run import Asked


def told(line: str, body: str, **variables: Any) -> dict[str, str]:
    asked = Asked(parse_cell(line), body, variables)
    return dict(asked.told(asked.parts()))


def test_name_and_question() -> None:
    """The variable before << and the prompt, with short values in their place."""
    said = told("total <<", "How much in {{ region }} in {{ year }}?\n", region="Asia", year=2024)
    assert said == {"name": "total", "question": "How much in Asia in 2024?"}
    assert told("", "Why?")["name"] == ""


@pytest.mark.parametrize("value", ["x" * 81, "two\nlines"])
def test_long_values_stay_expressions(value: str) -> None:
    """What is long stands in the notebook already, and not a second time in the metadata."""
    assert told("", "Sum up {{ notes }}.", notes=value)["question"] == "Sum up {{ notes }}."


def test_secrets_are_not_told() -> None:
    """A value whose name speaks of a secret is nobody's business, however short it is."""
    said = told("", "Log in with {{ api_key }} and {{ config['password'] }}.", api_key="k", config={"password": "p"})
    assert said["question"] == "Log in with {{ api_key }} and {{ config['password'] }}."


def test_raw_and_long_questions() -> None:
    """With --raw the prompt is as typed; one that is very long is cut, and says so."""
    assert told("--raw", "{{ x }}")["question"] == "{{ x }}"
    question = told("", "why " * 1000)["question"]
    assert len(question) <= 2_002
    assert question.endswith(" …")


def test_without_values() -> None:
    """An error before the values are there is told with the prompt as typed."""
    assert Asked(parse_cell("e <<"), "{{ nope }}", {}).told() == {"name": "e", "question": "{{ nope }}"}
