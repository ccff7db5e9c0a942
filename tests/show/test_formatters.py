"""`jupyter_localllm.show.formatters`, in a real IPython shell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_localllm.show.bundle import ANSWER_MIME
from jupyter_localllm.show.formatters import is_terminal, register, remember, unregister, was_shown
from jupyter_localllm.show.live import follow, follow_answer, surface_for
from jupyter_localllm.types import Answer, Cited, Done, Result
from tests.shells import new_shell

from .samples import ANSWER, EVENTS, RESULT, TEXT, result
from .test_surfaces import Publisher


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[InteractiveShell]:
    """A shell whose displays can only be printed."""
    with new_shell(tmp_path) as one:
        register(one)
        yield one
        unregister(one)


@pytest.fixture
def shell(terminal: InteractiveShell) -> InteractiveShell:
    """A shell whose displays go to a front end."""
    terminal.display_pub = Publisher()
    return terminal


def test_a_result_shows_as_an_answer(shell: InteractiveShell) -> None:
    """A result as the value of a cell is the answer, in all four types, with its metadata."""
    data, metadata = shell.display_formatter.format(RESULT)
    assert {"text/html", "text/markdown", "text/plain", ANSWER_MIME} <= set(data)
    assert data["text/plain"] == TEXT
    assert metadata["jupyter_localllm"]["model_sha256"] == RESULT.provenance.model_sha256


def test_what_was_just_shown_is_not_shown_again(shell: InteractiveShell) -> None:
    """In the execution that showed it, nothing; in the next one, the answer."""
    remember(shell, RESULT)
    assert shell.display_formatter.format(RESULT) == ({}, {})
    shell.execution_count += 1
    assert shell.display_formatter.format(RESULT)[0]["text/plain"] == TEXT


def test_several_answers_in_one_cell(shell: InteractiveShell) -> None:
    """Each of them counts as shown, and no other result does."""
    other = result("other")
    for one in (RESULT, other):
        remember(shell, one)
    assert was_shown(shell, RESULT)
    assert was_shown(shell, other)
    assert not was_shown(shell, Result("third"))
    shell.execution_count += 1
    remember(shell, other)
    assert not was_shown(shell, RESULT)


def test_followed_answers_are_remembered(shell: InteractiveShell) -> None:
    """`follow` on this shell's own surface is what makes an answer shown."""
    shown = follow(iter(EVENTS), surface_for(shell, live=True))
    assert was_shown(shell, shown)


def test_registering_twice_is_registering_once(shell: InteractiveShell) -> None:
    """Loading the extension again changes nothing, and unloading it leaves nothing."""
    register(shell)
    unregister(shell)
    unregister(shell)
    assert shell.display_formatter.format(RESULT)[0].keys() == {"text/plain"}
    assert not shell.meta


def test_terminal(terminal: InteractiveShell) -> None:
    """A terminal has written its prompt by then: it gets a word instead of the answer twice."""
    assert is_terminal(terminal)
    assert terminal.display_formatter.format(RESULT)[0]["text/plain"] == TEXT
    remember(terminal, RESULT)
    assert terminal.display_formatter.format(RESULT)[0] == {"text/plain": "(shown above)"}


# ---------------------------------------------------------------------------------------------------------------------
# Answers from sources


def test_an_answer_shows_as_itself(shell: InteractiveShell) -> None:
    """As the value of a cell it has all its types, with marks and list."""
    data, metadata = shell.display_formatter.format(ANSWER)
    assert {"text/html", "text/markdown", "text/plain", ANSWER_MIME} <= set(data)
    assert "jp-LocalLLM-cite" in data["text/html"]
    assert metadata["jupyter_localllm"]["model_sha256"] == RESULT.provenance.model_sha256


def test_an_answer_shows_itself_without_the_extension(shell: InteractiveShell) -> None:
    """A program in a notebook that never loaded the extension sees the same."""
    with_extension = shell.display_formatter.format(ANSWER)
    unregister(shell)
    assert shell.display_formatter.format(ANSWER) == with_extension
    assert ANSWER._repr_mimebundle_()[0] == with_extension[0]


def test_a_followed_answer_is_not_shown_again(shell: InteractiveShell) -> None:
    """Streamed and returned in one cell: once on the page; its result alone was not shown, and is not remembered."""
    events = iter([Cited(ANSWER), Done(ANSWER.result)])
    shown = follow_answer(events, surface_for(shell, live=True))
    assert shown is ANSWER
    assert shell.display_formatter.format(shown) == ({}, {})
    assert not was_shown(shell, Answer(ANSWER.text))
    shell.execution_count += 1
    assert shell.display_formatter.format(shown)[0]["text/plain"].startswith("Berlin had")


def test_answers_are_told_apart_without_comparing_their_values(shell: InteractiveShell) -> None:
    """A value may be a frame, whose comparison is no yes or no; one that breaks must not break the cell."""

    class Breaks:
        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

        __hash__ = None  # type: ignore[assignment]

    one, other = replace(ANSWER, value=Breaks()), replace(ANSWER, value=Breaks())
    remember(shell, one)
    assert was_shown(shell, other)
    assert not was_shown(shell, replace(other, text="other"))
    assert not was_shown(shell, RESULT)
