"""What columns are in a question by the place of their words: the one that is asked for, the one that is compared.

"Which day had the coldest night?": what stands behind the asking word is asked for, and what stands behind the
superlative is compared, or before it where nothing stands behind ("where the night is coldest"). This is evidence as
all else is: where the words stand otherwise, there is none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.compute.question import LITTLE, Question, bits

if TYPE_CHECKING:
    from jupyter_localllm.compute.links import ColumnLink
    from jupyter_localllm.sources.table import Column

__all__ = ["COMPARING", "Places"]

_FAR = 4  # words between a superlative and what it compares
_UNKNOWN = 1  # of these, how many may be neither function words nor operations: "the highest recorded wind"
_ASKING = frozenset(
    {"what", "quel", "quelle", "quels", "quelles", "que", "welchem", "welchen", "quale", "qual", "jaki"}
)
_HAVING = frozenset({"with", "having", "has", "had", "mit", "avec", "con", "com", "met", "med"})
_SMALL = frozenset({"the", "of", "these", "those", "all", "its", "der", "die", "das", "dem", "den", "le", "la", "el"})
_ELSEWHERE = frozenset(  # behind these words something else begins
    {
        *("on", "in", "at", "for", "by", "with", "during", "from", "among", "where", "when", "whose", "that", "which"),
        *("im", "bei", "mit", "fur", "am", "an", "auf", "nach", "je", "pro", "en", "dans", "pour", "avec", "sur"),
        *("par", "para", "con", "por", "per", "em", "com", "met", "voor", "med"),
    }
)
_BY = frozenset({"by", "nach", "par", "por", "per", "selon", "segun"})
_SUPERLATIVES = ("max", "min", "first", "last")

COMPARING = (*_SUPERLATIVES, "mean", "median", "sum", "range", "difference", "distinct", "count")
"""Operations that are named by a word before the name of a column: "highest", "mean", "last"."""


@dataclass(frozen=True)
class Places:
    """The parts that columns play in a question.

    Parameters
    ----------
    question : Question
    columns : sequence of Column
    links : sequence of ColumnLink
        How far each is named.
    """

    question: Question
    columns: Sequence[Column]
    links: Sequence[ColumnLink]

    def names(self) -> int:
        """Words for operations that are the names of columns here: the one in "the highest mean", "the lowest max"."""
        operations, found = self.question.named(*COMPARING), 0
        whole = {link.mask for link in self.links if link.mask and link.share >= 0.99}
        for mask in sorted(whole, key=lambda mask: mask & -mask):
            before = self._passed((mask & -mask).bit_length() - 2, -1, _is_small)
            behind = mask.bit_length()
            named_behind = behind < self.question.size and bool(self._hit(behind, mask | operations & ~found, _any))
            if before >= 0 and (operations & ~found & ~mask) >> before & 1 and not named_behind:
                found |= mask & operations
        return found

    def before_names(self) -> int:
        """Words before the name of a column of numbers: the one in "the highest mean population"."""
        places = range(self.question.size - 1)
        return bits((place, place + 1) for place in places if self._hit(place + 1, 1 << place, _number))

    def asked(self) -> frozenset[int]:
        """Positions of the columns that stand behind the asking word, or before "with the most"."""
        words, found = self.question.words, frozenset[int]()
        holders = self.question.named("holder") & ~self.question.named("person")  # "who left" asks for no "left"
        for place, word in enumerate(words):
            if word in _ASKING or holders >> place & 1:
                found |= self._hit(self._passed(place + 1, 1, _is_small), self._superlatives, _any)
            elif self._superlatives >> place & 1:
                before = self._passed(place - 1, -1, _is_small)
                if before > 0 and words[before] in _HAVING:
                    found |= self._hit(before - 1, self._superlatives, _any)
        return found

    def compared(self, said: int, asked: frozenset[int], fits: Callable[[Column], bool]) -> frozenset[int]:
        """Positions of the columns that a superlative compares, of those that fit; none if the place tells nothing.

        Parameters
        ----------
        said : int
            The words of the superlative.
        asked : frozenset of int
            Columns that are asked for.
        fits : callable
            Whether a column can be compared so.
        """
        found = frozenset[int]()
        places = [place for place in range(self.question.size) if said >> place & 1]
        for place in places:
            if place + 1 not in places:  # the last word of it
                found |= self._compared_at(place, said, lambda c: fits(c) and c.position not in asked)
        return found

    def _compared_at(self, place: int, said: int, fits: Callable[[Column], bool]) -> frozenset[int]:
        start = place
        while start > 0 and said >> (start - 1) & 1:
            start -= 1
        behind, stopped = self._walk(place + 1, 1, said, fits, stops=True)
        if behind:
            return self._by(behind, place, said, fits) or behind  # "the best year by sales"
        behind, _ = self._walk(start - 1, -1, said, fits, stops=False)
        if not behind and stopped is not None:
            behind, _ = self._walk(stopped + 1, 1, said, fits, stops=False)
        return behind

    def _by(self, columns: frozenset[int], place: int, said: int, fits: Callable[[Column], bool]) -> frozenset[int]:
        """The columns behind a "by" that stands behind those."""
        masks = [self.links[position].mask >> place << place for position in columns]
        behind = min(mask.bit_length() for mask in masks)
        if behind < self.question.size and self.question.words[behind] in _BY:
            return self._walk(behind + 1, 1, said, fits, stops=False)[0]
        return frozenset()

    def said_by(self, position: int) -> bool:
        """Whether a column's name stands behind "by"."""
        mask = self.links[position].mask
        before = self._passed((mask & -mask).bit_length() - 2, -1, _is_small)
        return before >= 0 and self.question.words[before] in _BY

    def adjectives(self) -> int:
        """Words behind "how": the one in "how high was the wind" names no column "high" if another one is named."""
        found = 0
        for place, word in enumerate(self.question.words[:-1]):
            found |= 1 << (place + 1) if word in ("how", "wie") else 0
        return found

    def _walk(
        self, place: int, step: int, taken: int, fits: Callable[[Column], bool], *, stops: bool
    ) -> tuple[frozenset[int], int | None]:
        """The first columns in a direction, and where something else began."""
        unknown = 0
        for at in range(place, place + step * (_FAR + 1), step):
            if not 0 <= at < self.question.size:
                break
            if stops and self.question.words[at] in _ELSEWHERE:
                return frozenset(), at
            hit = self._hit(at, taken, fits)
            if hit:  # of two beside each other nobody can say which
                return hit | self._hit(at + step, taken, fits), None
            known = self.question.weights[at] == LITTLE or self._operations >> at & 1 or self._hit(at, taken, _any)
            unknown += 0 if known else 1
            if unknown > _UNKNOWN:
                break
        return frozenset(), None

    def _hit(self, place: int, taken: int, fits: Callable[[Column], bool]) -> frozenset[int]:
        """The columns that a word names, those of which most words stand beside it; of these the ones named best."""
        if not 0 <= place < self.question.size or taken >> place & 1:
            return frozenset()
        word = self._operations >> place & 1  # "number of" by itself does not name "number of copies"
        named = [
            (column, link)
            for column, link in zip(self.columns, self.links, strict=True)
            if link.mask >> place & 1 and fits(column) and (not word or link.share >= 0.99)
        ]
        worth = {c.position: (_beside(link.mask & ~taken, place), link.share) for c, link in named}
        most = max(worth.values(), default=None)
        return frozenset(position for position, one in worth.items() if one == most)

    def _passed(self, place: int, step: int, small: Callable[[str], bool]) -> int:
        """The first place in a direction that does not hold such a word; -1 or behind the last if there is none."""
        while 0 <= place < self.question.size and small(self.question.words[place]):
            place += step
        return place

    @functools.cached_property
    def _superlatives(self) -> int:
        return self.question.named(*_SUPERLATIVES)

    @functools.cached_property
    def _operations(self) -> int:
        return self.question.named(*COMPARING, "mode")


def _beside(mask: int, place: int) -> int:
    """How many words of a set stand together around a place."""
    first = last = place
    while first > 0 and mask >> (first - 1) & 1:
        first -= 1
    while mask >> (last + 1) & 1:
        last += 1
    return last - first + 1


def _is_small(word: str) -> bool:
    return word in _SMALL


def _any(column: Column) -> bool:
    return True


def _number(column: Column) -> bool:
    return column.kind == "number"
