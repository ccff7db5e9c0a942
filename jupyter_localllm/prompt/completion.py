"""Prompts that are to be continued, and not to be answered: text before a place, and text behind it."""

from __future__ import annotations

from jupyter_localllm.prompt.chat import pieces_of, plain_text
from jupyter_localllm.types import Message, ModelInfo, Prompt

__all__ = ["render_completion"]


def render_completion(before: str, after: str, info: ModelInfo) -> Prompt:
    """Ask for what may stand between two texts.

    Where the model's vocabulary has tokens to fill in the middle (``llama_vocab_fim_pre`` and its like), they say so;
    the order is prefix, suffix, middle, as in "Efficient Training of Language Models to Fill in the Middle" (Bavarian
    et al. 2022). Elsewhere the text before is continued.

    Parameters
    ----------
    before, after : str
        Data: a look-alike of a control token in it stays text.
    info : ModelInfo
        ``details["fim"]``: the texts of the three tokens.

    Examples
    --------
    >>> info = ModelInfo("m", 512, details={"fim": ("<pre>", "<suf>", "<mid>")}, control=("<pre>", "<suf>", "<mid>"))
    >>> render_completion("a = ", " # <mid>", info).pieces
    ('<pre>a = <suf> # <', 'mid><mid>')
    """
    messages = (Message.of("user", before),)
    if info.renders:
        return Prompt(messages)
    tokens = info.details.get("fim")
    plain, rest = plain_text(before, info), plain_text(after, info)
    if not tokens:
        return Prompt(messages, pieces_of(plain))
    prefix, suffix, middle = tokens
    return Prompt(messages, pieces_of(f"{prefix}{plain}{suffix}{rest}{middle}"))
