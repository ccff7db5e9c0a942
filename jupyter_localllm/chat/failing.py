"""Errors as messages."""

from __future__ import annotations

from jupyter_localllm.chat.from_kernel import Failed
from jupyter_localllm.errors import LocalLLMError, words_of
from jupyter_localllm.show.plain import clean

__all__ = ["failure"]

_LONGEST = 4_000


def failure(error: BaseException, request: str, conversation: str | None = None) -> Failed:
    """What went wrong, in words, and what to do about it.

    Examples
    --------
    >>> failure(ValueError("no"), "r1")
    Failed(request='r1', conversation=None, name='ValueError', text='no', hint='')
    """
    if isinstance(error, LocalLLMError):
        text, hint = error.message, error.hint
    else:
        text, hint = words_of(error, "it has no message"), ""
    return Failed(request, conversation, type(error).__name__, clean(text)[:_LONGEST], clean(hint)[:_LONGEST])
