"""Errors as messages of the protocol."""

from __future__ import annotations

from jupyter_localllm.chat.failing import failure


def test_an_error_without_words_is_told_by_its_name() -> None:
    """An attached object may raise an error whose own ``__str__`` raises; the question still gets its end."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    told = failure(Mute(), "r1", "a")
    assert (told.name, told.text, told.hint) == ("Mute", "it has no message", "")
