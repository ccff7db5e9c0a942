"""Notice an answer that goes round in circles, as small models do."""

from __future__ import annotations

import re

__all__ = ["repeats"]

_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？\n]*")  # noqa: RUF001  (full-width marks end sentences, too)
_MIN_CHARACTERS = 12  # shorter units ("No." "1, 1, 1") repeat in honest lists
_ROUNDS = 3


def repeats(text: str) -> bool:
    """Whether the end of `text` is the same sentence, or the same few sentences, three times in a row.

    The last sentence may be cut in the middle. White space and numbering are not looked at.

    Examples
    --------
    >>> repeats("The sky is blue today. " * 3)
    True
    >>> repeats("The sky is blue today. The sea is green. The sun is out.")
    False
    """
    units = [re.sub(r"[\W\d_]+", " ", unit).strip().casefold() for unit in _SENTENCE.findall(text[-8000:])]
    units = [unit for unit in units if unit]
    for cut in (0, 1):
        tail = units[: len(units) - cut]
        for period in range(1, min(12, len(tail) // _ROUNDS) + 1):
            block = tail[-period:]
            if len(" ".join(block)) < _MIN_CHARACTERS:
                continue
            if all(tail[-period * (i + 1) : len(tail) - period * i] == block for i in range(_ROUNDS)):
                return True
    return False
