"""Words by which people name operations, and words that say little: the dictionary in ``words.json``.

It is a dictionary and not a grammar: a word that stands in a question is evidence for an operation, to be weighed
against all other evidence. What kind of sentence it stands in is not looked at.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jupyter_localllm.sources.tokens import tokens

__all__ = ["Named", "function_words", "named_operations"]

Named = tuple[int, int, str]
"""First word, behind the last word, operation."""


@functools.cache
def function_words() -> frozenset[str]:
    """Words that say little of what a text is about, in several languages."""
    return frozenset(word for phrase in _read()["function_words"] for word in tokens(phrase))


def named_operations(words: Sequence[str]) -> tuple[Named, ...]:
    """What operations are named in a text; of phrases within each other, the longest.

    Parameters
    ----------
    words : sequence of str
        As `jupyter_localllm.sources.tokens.tokens` gives them.

    Examples
    --------
    >>> named_operations(["how", "many", "rows"])
    ((0, 2, 'count'),)
    """
    phrases, longest = _phrases()
    found: list[Named] = []
    for start in range(len(words)):
        for stop in range(start + 1, min(len(words), start + longest) + 1):
            found += [(start, stop, operation) for operation in phrases.get(tuple(words[start:stop]), ())]
    starts: dict[int, list[Named]] = {}
    for one in found:
        starts.setdefault(one[0], []).append(one)

    def inside(one: Named) -> bool:
        around = range(one[0] - longest, one[0] + 1)  # where a longer phrase can begin
        return any(_within(one, other) for start in around for other in starts.get(start, ()))

    return tuple(one for one in found if not inside(one))


def _within(one: Named, other: Named) -> bool:
    """Whether a phrase is a part of another one of the same operation, or of "at least" and the like."""
    inside = other[0] <= one[0] and one[1] <= other[1] and one[:2] != other[:2]
    return inside and (one[2] == other[2] or other[2] == "inclusive")


@functools.cache
def _phrases() -> tuple[dict[tuple[str, ...], tuple[str, ...]], int]:
    found: dict[tuple[str, ...], list[str]] = {}
    for operation, listed in _read()["operations"].items():
        for phrase in listed:
            named = found.setdefault(tuple(tokens(phrase)), [])
            named += [operation] if operation not in named else []  # two spellings may be one phrase
    return {words: tuple(named) for words, named in found.items()}, max(map(len, found))


@functools.cache
def _read() -> Any:
    return json.loads(resources.files(__package__).joinpath("words.json").read_text("utf-8"))
