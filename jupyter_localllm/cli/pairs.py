"""``-p NAME VALUE`` where argparse would not take it: ``-p NAME=VALUE``, and values that begin with a dash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

__all__ = ["as_pairs", "value_of"]

_OPTIONS = ("-p", "-r")
_JOINED = re.compile(r"(?P<name>[^\W\d]\w*)=(?P<value>.*)", re.DOTALL)
_KEPT: Final = "\0"  # stands before a dash, so that argparse takes it for a value; no command line can hold one


def as_pairs(words: Iterable[str]) -> list[str]:
    r"""The words of a line with each parameter as its name and a value that argparse takes for one.

    Examples
    --------
    >>> as_pairs(["in.ipynb", "-p", "region=EU", "-p", "since", "-7d", "--code"])
    ['in.ipynb', '-p', 'region', 'EU', '-p', 'since', '\x00-7d', '--code']
    """
    return list(_paired(iter(words)))


def value_of(word: str) -> str:
    """A value as it was typed."""
    return word.removeprefix(_KEPT)


def _paired(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        yield word
        if word not in _OPTIONS or (name := next(words, None)) is None:
            continue
        if joined := _JOINED.fullmatch(name):
            yield from (joined["name"], _hidden(joined["value"]))
            continue
        yield name
        if (value := next(words, None)) is not None:
            # Two dashes are an option, and the value was forgotten.
            yield value if value.startswith("--") or value in _OPTIONS else _hidden(value)


def _hidden(value: str) -> str:
    """With its dash hidden."""
    return _KEPT + value if value.startswith("-") else value
