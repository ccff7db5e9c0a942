"""Marks that can only hold numbers which exist: ``[1]`` to ``[n]``, by a token mask while the answer is decoded.

Outside of a bracket nothing is asked of a token that holds no ``[``, so text with brackets, decimals and code goes on
as if there were no constraint. The bytes of the few other tokens are run through `Scan`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.cite.quoted import Quotable, Quoting
from jupyter_localllm.cite.scan import Scan
from jupyter_localllm.constrain.ending import ends_of, writable
from jupyter_localllm.constrain.index import token_index
from jupyter_localllm.constrain.kept import Kept
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["Marks", "MarksMatcher"]


@dataclass(frozen=True)
class Marks:
    """A mark ``[n]`` in the answer holds 1 to `count`; anything else is free.

    A mark is a bracket that holds only digits, or several numbers with commas between them, outside of fenced code and
    of code on a line. Behind ``[`` and a digit only the rest of a right number can follow, then ``]`` or a comma and
    the next one: outside of code ``[3.14`` and ``[2024 report](url)`` cannot be written. ``[x]``, ``[ ]``,
    ``[text](url)``, ``["a"`` and ``[ 3.14, 2 ]`` can, and in code ``x[99]`` can.

    Parameters
    ----------
    count : int
        How many passages there are; with 0 no mark can be written at all.
    quotes : iterable of str
        Texts that may be quoted. If there are any, what stands within ``“…”`` or ``"…"`` outside of code is a piece of
        one of them, byte by byte and on one line.

    Raises
    ------
    UsageError
        `count` is no whole number, or negative, or a quote is no text.

    Examples
    --------
    >>> Marks(3).key
    'marks:3'
    """

    count: int
    quotes: Iterable[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 0:
            raise UsageError(f"The number of passages is {self.count!r}.", "Give a whole number, 0 or more.")
        quotes = (self.quotes,) if isinstance(self.quotes, str) else tuple(self.quotes)
        for text in quotes:
            if not isinstance(text, str):
                raise UsageError(f"One of the texts to quote is {text!r}, which is no text.", f"Give str({text!r}).")
        object.__setattr__(self, "quotes", quotes)

    @property
    def key(self) -> str:
        """Canonical text."""
        texts = ":" + json.dumps(self.quotes, ensure_ascii=False) if self.quotes else ""
        return f"marks:{self.count}{texts}"

    def start(self, vocabulary: Vocabulary) -> MarksMatcher:
        """A matcher; see `Constraint.start`."""
        quotable = Quotable(self.quotes) if self.quotes else None
        return MarksMatcher(self.count, quotable, vocabulary)


class _Groups:
    """Tokens by what they could do to a mark, as arrays of their numbers."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        import numpy as np

        def those(wanted: Iterable[int]) -> NDArray[np.intp]:
            return np.fromiter(wanted, dtype=np.intp)

        tokens, usable = vocabulary.tokens, writable(vocabulary)
        self.can_close = any(tokens[token] == b"`" for token in usable)
        self.never = np.ones(len(tokens), dtype=np.bool_)
        self.never[usable] = False
        self.usable = those(usable)
        self.opening = those(t for t in usable if b"[" in tokens[t])
        self.brackets = those(t for t in usable if b"[" in tokens[t] or b"]" in tokens[t])
        self.in_mark = those(t for t in usable if tokens[t][0] in b"0123456789^], [")
        self.structure = those(t for t in usable if not set(b"[]`|\r\n").isdisjoint(tokens[t]))
        self.ticks = those(t for t in usable if tokens[t][:1] == b"`")
        self.quotes = those(
            t for t in usable if b'"' in tokens[t] or not set(b"\xe2\x80\x9c\x9d").isdisjoint(tokens[t])
        )


_groups: Kept[_Groups] = Kept(size=2)


class MarksMatcher:
    """Where an answer stands among its marks.

    Parameters
    ----------
    count : int
    quotable : Quotable or None
    vocabulary : Vocabulary
        The model's tokens.
    """

    def __init__(self, count: int, quotable: Quotable | None, vocabulary: Vocabulary) -> None:
        self._vocabulary, self._tokens = vocabulary, vocabulary.tokens
        self._ends = ends_of(vocabulary)
        self._groups = _groups.get(vocabulary.key, lambda: _Groups(vocabulary))
        self._scan = Scan(count, self._groups.can_close)
        self._quoting = Quoting(quotable) if quotable else None

    @property
    def finished(self) -> bool:
        """Never: text may always go on."""
        return False

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        if token in self._vocabulary.ends:
            return self._scan.may_end
        if not 0 <= token < len(self._tokens) or self._groups.never[token]:
            return False
        return self._fits(token)

    def _fits(self, token: int) -> bool:
        piece, scan = self._tokens[token], self._scan
        if self._quoting is None and scan.inside is None and not scan.owing and b"[" not in piece:
            return True
        return self._after(piece) is not None

    def _after(self, piece: bytes) -> tuple[Scan, Quoting | None] | None:
        scan = self._scan.copy()
        if self._quoting is None:
            return (scan, None) if scan.feed(piece) else None
        quoting = self._quoting.copy()
        if (missing := scan.missing) and not piece.startswith(b"`" * min(missing, len(piece))):
            return None
        for at in range(len(piece)):
            byte = piece[at : at + 1]
            if not (scan.feed(byte) and quoting.feed(byte, scan.in_code)):
                return None
        return scan, quoting

    def advance(self, token: int) -> None:
        """Take a token that `allows` said yes to. Anything else changes nothing."""
        if token in self._vocabulary.ends or not 0 <= token < len(self._tokens) or self._groups.never[token]:
            return
        after = self._after(self._tokens[token])
        if after is not None:
            self._scan, self._quoting = after

    def restrict(self, logits: NDArray[np.float32]) -> None:
        """Put minus infinity in the place of all tokens that may not come next."""
        import numpy as np

        groups = self._groups
        others, suspects = self._suspects()
        banned = groups.never.copy() if others else np.ones(len(self._tokens), dtype=np.bool_)
        banned[suspects] = [not self._fits(token) for token in suspects.tolist()]
        ends = logits[self._ends]
        np.putmask(logits[: len(banned)], banned, -np.inf)
        logits[len(banned) :] = -np.inf
        if self._scan.may_end:
            logits[self._ends] = ends

    def _suspects(self) -> tuple[bool, NDArray[np.intp]]:
        """The tokens that must be asked one by one, and whether all others are allowed; if not, none of them is."""
        import numpy as np

        groups, scan, quoting = self._groups, self._scan, self._quoting
        if quoting is not None and quoting.inside is not None:
            going_on = quoting.quotable.continuations(quoting.inside, token_index(self._vocabulary))
            return False, np.union1d(np.fromiter(going_on, dtype=np.intp), groups.quotes)
        if scan.missing:
            return False, groups.ticks
        strict = scan.strict and scan.inside is not None
        if strict:
            suspects = groups.in_mark
        elif scan.owing:
            suspects = groups.structure
        elif scan.inside is not None:
            suspects = np.union1d(groups.brackets, groups.in_mark)
        else:
            suspects = groups.opening
        return not strict, suspects if quoting is None else np.union1d(suspects, groups.quotes)
