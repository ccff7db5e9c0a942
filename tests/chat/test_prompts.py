"""What the model reads of a question with attachments, and what is taken of its fix."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jupyter_localllm.chat.from_panel import Ask, Cell, Failure, Variable
from jupyter_localllm.chat.prompts import corrected, question_of
from jupyter_localllm.errors import UsageError


def prompt(*attachments: Any, text: str = "Why?", task: Any = "chat", variables: dict[str, Any] | None = None) -> str:
    question = question_of(Ask("r", "c", text, attachments, {}, task), variables or {})
    return "".join(part.text for part in question.parts)


def test_a_plain_question_is_sent_as_it_is() -> None:
    """Nothing is put around it."""
    assert prompt() == "Why?"


def test_cells_stand_between_fences_before_the_question() -> None:
    """With their outputs, in fences that they cannot end."""
    text = prompt(Cell("id", "print('```')\nx", "\x1b[31m1\x1b[0m\n"))
    assert text == "Cell:\n````python\nprint('```')\nx\n````\n\nOutput:\n```\n1\n```\n\nWhy?"


def test_a_failed_cell_is_explained_with_its_variables() -> None:
    """Task, cell, error, and what the variables are."""
    text = prompt(
        Failure("1 / zero + gone", "ZeroDivisionError: division by zero", ("zero", "gone")),
        text="", task="explain", variables={"zero": 0},
    )  # fmt: skip
    assert text.startswith("Explain in plain words why")
    for piece in ("1 / zero", "ZeroDivisionError", "- zero is an int: 0", "- gone is not defined"):
        assert piece in text


def test_names_that_say_nothing_are_left_out() -> None:
    """Modules, what Python has of its own, what the code binds itself, and words of texts."""
    source = "import os\nfor i in range(3):  # each turn\n    print(os.sep, df.price, absent)\nf = lambda a: a"
    names = ("os", "i", "range", "each", "turn", "print", "sep", "df", "price", "absent", "f", "a", "api_key")
    variables = {"os": threading, "df": 1, "api_key": "sk-1234"}
    text = prompt(Failure(source, "E", names), text="", task="explain", variables=variables)
    listed = text.partition("Variables:\n")[2].strip().splitlines()
    assert listed == ["- df is an int: 1", "- absent is not defined", "- api_key is a str of 7 characters"]
    text = prompt(Failure("%time x", "E", ("time", "x")), text="", task="explain")
    assert "Variables:" not in text


def test_a_long_traceback_keeps_its_ends() -> None:
    """And says what it left out."""
    text = prompt(Failure("x", "first\n" + "frame\n" * 5_000 + "KeyError: 1", ()), text="", task="fix")
    assert "first" in text
    assert "KeyError: 1" in text
    assert "characters left out" in text
    assert len(text) < 5_000


def test_with_a_variable_the_question_has_sources() -> None:
    """The variable and the cells beside it; a name that is not there is an error."""
    question = question_of(Ask("r", "c", "How many?", (Variable("df"), Cell("i", "x = 1", "7"))), {"df": [1]})
    assert list(question.sources) == ["df", "cell 2", "output of cell 2"]
    with pytest.raises(UsageError, match="dg"):
        question_of(Ask("r", "c", "How many?", (Variable("dg"),)), {"df": [1]})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("Sure!\n\n```\nx = 1\n\ny = 2\n```\nMore.\n```\nz\n```", "x = 1\n\ny = 2"),
        ("~~~python\nx = 1\n~~~", "x = 1"),
        ("```python\nx = 1", "x = 1"),
        ("x = 1", "x = 1"),
        ("````\nprint('''\n```\n''')\n````", "print('''\n```\n''')"),
        ("You should divide by one.", None),
        ("```\n```", None),
        ("", None),
    ],
)
def test_the_cell_of_a_fix(answer: str, code: str | None) -> None:
    """The first block of code, or all of it if that is code; nothing where there is none."""
    assert corrected(answer) == code
