"""What is said of a child process that ended."""

from __future__ import annotations

import os

import pytest

from jupyter_localllm.engine.children import check_fork, death, ended, last_line
from jupyter_localllm.errors import EngineClosed


def test_an_end_by_itself_is_no_death() -> None:
    """Exit statuses of a program are not taken for signals."""
    assert [death(code) for code in (0, 1, 255)] == [None, None, None]


@pytest.mark.parametrize(("code", "cause"), [(-11, "SIGSEGV"), (-9, "SIGKILL"), (0xC0000005, "SIGSEGV")])
def test_a_death_has_a_name_a_reason_and_advice(code: int, cause: str) -> None:
    """Signals of POSIX and exceptions of Windows are told in the same words."""
    died = death(code)
    assert died is not None
    assert died.cause == cause
    assert died.why
    assert died.hint


@pytest.mark.parametrize("code", [-200, 0xC0000001])
def test_an_unknown_death_is_told_by_its_number(code: int) -> None:
    """Nothing is guessed about what is not known."""
    died = death(code)
    assert died is not None
    assert died.why == "it crashed"
    assert any(digits in died.cause for digits in ("200", "0xc0000001"))


def test_last_words_move_no_cursor() -> None:
    """What a child wrote to stderr cannot reach the terminal as a command."""
    assert last_line("first\n\x1b[2Jlast\r\n\n") == "[2Jlast"
    assert last_line("") == ""
    assert "\x1b" not in str(ended("model", 3, "\x1b]0;title\x07"))


def test_how_it_ended_is_said() -> None:
    """Status, signal or neither: the message says which, and that nothing is lost."""
    for code, words in ((3, "status 3"), (-11, "SIGSEGV"), (None, "closed its pipe")):
        error = ended("model", code, "")
        assert words in error.message
        assert "untouched" in error.message
        assert error.hint


def test_another_process_is_refused() -> None:
    """A process number that is not this one's is a fork."""
    check_fork(os.getpid())
    with pytest.raises(EngineClosed, match="fork"):
        check_fork(os.getpid() + 1)
