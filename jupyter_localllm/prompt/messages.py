"""Whatever people hand over as a prompt, as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Message, Part

__all__ = ["PromptLike", "as_messages"]

PromptLike = Union[str, Sequence[Mapping[str, str]], Sequence[Part]]


def as_messages(prompt: PromptLike, system: str, history: Sequence[Message] = ()) -> tuple[Message, ...]:
    """Put a prompt behind a system message and the earlier turns.

    Parameters
    ----------
    prompt : str, list of {"role", "content"}, or sequence of Part
        A chat that brings its own system message keeps it.
    system : str
        Empty for none.
    history : sequence of Message

    Raises
    ------
    UsageError
        There is nothing to ask, or a message is none.

    Examples
    --------
    >>> [message.role for message in as_messages("Hello", "Be brief.")]
    ['system', 'user']
    """
    if isinstance(prompt, str):
        new = [Message.of("user", prompt)]
    elif all(isinstance(part, Part) for part in prompt):
        new = [Message("user", tuple(prompt))]  # type: ignore[arg-type]
    else:
        new = [_message(message) for message in prompt]
    if new and new[-1].role != "user":
        raise UsageError(
            f"the last message is the {new[-1].role}'s: there is nothing to answer", "End with the user's."
        )
    if not new or not new[-1].content.strip():
        raise UsageError("the prompt is empty", "Write a question.")
    if new[0].role == "system":
        head, *new = new
        return (head, *history, *new)
    return (*((Message.of("system", system),) if system else ()), *history, *new)


def _message(message: Any) -> Message:
    try:
        role, content = message["role"], message["content"]
    except (TypeError, KeyError):
        raise UsageError(f"a message is {{'role': …, 'content': …}}, not {message!r}") from None
    if role not in ("system", "user", "assistant"):
        raise UsageError(f"a message's role is system, user or assistant, not {role!r}")
    if not isinstance(content, str):
        raise UsageError(f"a message's content is text, not {type(content).__name__}")
    return Message.of(role, content)
