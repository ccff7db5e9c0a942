"""Answers that match a regular expression, or follow a context-free grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.constrain.guided import llguidance, start_guided
from jupyter_localllm.constrain.roomy import LARGEST_TEXT
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    from jupyter_localllm.constrain.guided import GuidedMatcher
    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["LARGEST_PATTERN", "Grammar", "Regex"]

LARGEST_PATTERN = 20_000
"""Characters of one regular expression. Its compilation takes time with the square of its length: a second for this."""


@dataclass(frozen=True)
class Regex:
    r"""The whole answer matches a regular expression.

    Parameters
    ----------
    pattern : str
        In the syntax of Rust's ``regex`` (https://docs.rs/regex/latest/regex/#syntax), which mostly is Python's:
        no look-around and no references back; ``\d`` is 0 to 9. At most 20,000 characters.

    Raises
    ------
    UsageError
        It is no text, too long, or no valid Unicode. Whether it is a regular expression is seen at `start`.

    Examples
    --------
    >>> Regex("[0-9]{4}-[0-9]{2}").key
    'regex:[0-9]{4}-[0-9]{2}'
    """

    pattern: str

    def __post_init__(self) -> None:
        check_text(self.pattern, "regular expression", LARGEST_PATTERN)

    @property
    def key(self) -> str:
        """Canonical text."""
        return "regex:" + self.pattern

    def start(self, vocabulary: Vocabulary) -> GuidedMatcher:
        """A matcher; see `Constraint.start`."""
        lark = "start: /" + llguidance().regex_to_lark(self.pattern, use_ascii="d") + "/"
        return start_guided(lark, self.key, vocabulary, "regular expression")


@dataclass(frozen=True)
class Grammar:
    r"""The answer follows a context-free grammar.

    Parameters
    ----------
    text : str
        In Lark syntax as llguidance has it (https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md), with
        a rule `start`; or in llama.cpp's GBNF, with a rule `root`. At most 131,072 characters. Control tokens of the
        model (``<|name|>``) cannot be part of it.

    Raises
    ------
    UsageError
        It is no text, too long, or no valid Unicode. Whether it is a grammar is seen at `start`.

    Examples
    --------
    >>> Grammar('start: "yes" | "no" reason?\nreason: ", because " /[a-z ]+/').key[:14]
    'grammar:start:'
    """

    text: str

    def __post_init__(self) -> None:
        check_text(self.text, "grammar", LARGEST_TEXT)

    @property
    def key(self) -> str:
        """Canonical text."""
        return "grammar:" + self.text

    def start(self, vocabulary: Vocabulary) -> GuidedMatcher:
        """A matcher; see `Constraint.start`."""
        lark = _as_lark(self.text)
        if _names_control_tokens(lark):
            raise UsageError(
                "This grammar names control tokens (<|name|> or <[number]>), which are never part of an answer.",
                'Put quotes around it where the characters are meant: "<|name|>".',
            )
        return start_guided(lark, self.key, vocabulary, "grammar")


def check_text(text: object, what: str, longest: int) -> None:
    """Raise a UsageError if this is no text, too long, or not to be written in UTF-8."""
    if not isinstance(text, str):
        raise UsageError(f"The {what} is {type(text).__name__}, not a text.", "Give a str.")
    if len(text) > longest:
        raise UsageError(f"The {what} has {len(text):,} characters; {longest:,} are possible.", "Make it smaller.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"The {what} is no valid Unicode: {error.reason} at character {error.start}.") from None


def _as_lark(text: str) -> str:
    llguidance()
    from llguidance.gbnf_to_lark import any_to_lark

    try:
        return any_to_lark(text)
    except Exception as error:  # the converter raises plain Exceptions, and RecursionError for deep brackets
        words = " ".join(str(error).split())[:300]
        raise UsageError(
            f"This grammar has no rule 'start:', and as GBNF it cannot be read: {words}",
            "Write it in Lark syntax with a rule 'start', or in GBNF with a rule 'root'.",
        ) from None


def _names_control_tokens(lark: str) -> bool:
    quoted = r'"(?:\\.|[^"\\\n])*"|/(?:\\.|[^/\\\n])+/|(?://|#)[^\n]*'
    return re.search(r"<[\w|\[]", re.sub(quoted, " ", lark)) is not None
