"""The prompt and the answer must fit in the window; what is left out is said.

Only turns of a conversation may be left out, oldest first. Everything else that does not fit is an error which names
the tokens of each part.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.types import Message, Note, Prompt

__all__ = ["DEFAULT_MAX_TOKENS", "Fitted", "PartTokens", "fit", "measure_parts", "reserved"]

DEFAULT_MAX_TOKENS = 1024


@dataclass(frozen=True)
class PartTokens:
    """The size of one part of a prompt.

    ``label`` says what it is (``"system"``, ``"turn 2"``, ``"text"``, ``"{{ df }}"``, ``"chat template"``).
    """

    label: str
    tokens: int
    note: str = ""


@dataclass(frozen=True)
class Fitted:
    """A prompt that fits.

    Parameters
    ----------
    prompt : Prompt
        Rendered.
    tokens : int
        Of the prompt.
    max_tokens : int
        What the answer may have.
    notes : tuple of Note
        The turns that were left out.
    """

    prompt: Prompt
    tokens: int
    max_tokens: int
    notes: tuple[Note, ...] = ()


def fit(
    messages: Sequence[Message],
    *,
    render: Callable[[Sequence[Message]], Prompt],
    count_prompt: Callable[[Prompt], int],
    count: Callable[[Sequence[str]], list[int]],
    n_ctx: int,
    max_tokens: int | None,
) -> Fitted:
    """Render as many of the messages as fit.

    Parameters
    ----------
    messages : sequence of Message
    render, count_prompt, count : callable
        The model's template, the tokens of a rendered prompt, the tokens of plain texts.
    n_ctx : int
        The window, in tokens.
    max_tokens : int or None
        What the answer must have room for. ``None``: the answer ends where the model ends it, at 1,024 tokens at the
        latest, and a quarter of a small window is kept free for it.

    Raises
    ------
    ContextOverflow
        It does not fit even without the earlier turns.
    """
    reserve = reserved(n_ctx, max_tokens)
    turns = sorted({m.turn for m in messages if m.turn is not None})

    def attempt(left_out: int) -> tuple[Prompt, int]:
        prompt = render([m for m in messages if m.turn is None or m.turn not in turns[:left_out]])
        return prompt, count_prompt(prompt)

    def fits(left_out: int) -> bool:
        return attempt(left_out)[1] + reserve <= n_ctx

    # The fewest turns to leave out: none, most of the time, else found by bisection.
    fewest = 0
    prompt, tokens = attempt(0)
    if tokens + reserve > n_ctx and turns:
        fewest = bisect.bisect_left(range(len(turns)), True, lo=1, key=fits)
        prompt, tokens = attempt(fewest)
    if tokens + reserve > n_ctx:
        raise _overflow(prompt.messages, tokens, count, n_ctx, reserve)
    allowed = max_tokens if max_tokens is not None else min(DEFAULT_MAX_TOKENS, n_ctx - tokens)
    return Fitted(prompt, tokens, allowed, _said(messages, turns[:fewest], count, n_ctx))


def reserved(n_ctx: int, max_tokens: int | None) -> int:
    """Tokens of a window that are kept free for the answer; see `fit`.

    Examples
    --------
    >>> reserved(2048, None), reserved(32_768, None), reserved(2048, 100)
    (512, 1024, 100)
    """
    return max_tokens if max_tokens is not None else min(DEFAULT_MAX_TOKENS, n_ctx // 4)


def measure_parts(
    messages: Sequence[Message], total: int, count: Callable[[Sequence[str]], list[int]]
) -> list[PartTokens]:
    """Tokens of each part, and of the chat template around them; they add up to about `total`."""
    named = [(_label(m, i), part) for m in messages for i, part in enumerate(m.parts)]
    sizes = count([part.text for _, part in named])
    rows: dict[str, PartTokens] = {}
    for (label, part), size in zip(named, sizes, strict=True):
        before = rows.get(label)
        rows[label] = PartTokens(label, size + (before.tokens if before else 0), part.note)
    scaffold = max(0, total - sum(sizes))
    return [*rows.values(), PartTokens("chat template", scaffold)]


def _label(message: Message, index: int) -> str:
    if message.turn is not None:
        return f"turn {message.turn}"
    if message.role == "user":
        return message.parts[index].label
    return message.role


def _said(
    messages: Sequence[Message], turns: list[int], count: Callable[[Sequence[str]], list[int]], n_ctx: int
) -> tuple[Note, ...]:
    if not turns:
        return ()
    tokens = sum(count([m.content for m in messages if m.turn in turns]))
    which = f"turn {turns[0]}" if len(turns) == 1 else f"turns {turns[0]} to {turns[-1]}"
    return (
        Note("left_out", f"{which} of the conversation ({tokens:,} tokens) left out: the window has {n_ctx:,} tokens"),
    )


def _overflow(
    messages: Sequence[Message], total: int, count: Callable[[Sequence[str]], list[int]], n_ctx: int, reserve: int
) -> ContextOverflow:
    parts = measure_parts(messages, total, count)
    width = max(len(part.label) for part in parts)
    table = "\n".join(
        f"  {part.label:<{width}}  {part.tokens:>9,}{f'  ({part.note})' if part.note else ''}" for part in parts
    )
    return ContextOverflow(
        f"the prompt has {total:,} tokens and {reserve:,} are kept for the answer: "
        f"together {total + reserve - n_ctx:,} more than the window of {n_ctx:,}.\n{table}",
        "Shorten the largest part, lower max_tokens, or take a larger window: %config LocalLLM.n_ctx "
        "(at most what the model was trained with).",
    )
