"""A question as the words it is made of, and what they may point at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from jupyter_localllm.compute.words import function_words, named_operations
from jupyter_localllm.sources.tokens import pieces, stem, tokens
from jupyter_localllm.sources.typed import is_month, moment

__all__ = ["Question", "bits"]

_LONGEST = 80  # words of a question that are read

LITTLE = 0.08
"""What a function word weighs; a word that says something weighs 1."""

_NOUNS = frozenset({"total", "name", "value", "record", "entry", "row", "line", "column", "table", "chart", "data"})

_SOMETHING = frozenset({"the", "which", "this", "that", "each", "every", "any", "only", "no", "last", "first", "next"})

_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}


@dataclass(frozen=True)
class Question:
    """A question.

    Words are known by their place, and a set of words is a number with a bit for each: sets of them are compared
    thousands of times for each question.

    Parameters
    ----------
    text : str
    words : tuple of str
        Folded; see `jupyter_localllm.sources.tokens.tokens`.
    stems : tuple of str
    weights : tuple of float
        What each word says: `LITTLE` for a function word, else 1.
    operations : dict of str to tuple of (int, int)
        Operations that are named, and by which words.
    written : tuple of str
        The words as they were written.
    left : int
        How many words more the text has, which are not read: nobody can be certain of such a question.
    """

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    weights: tuple[float, ...]
    operations: dict[str, tuple[tuple[int, int], ...]]
    written: tuple[str, ...] = ()
    left: int = 0
    _sums: dict[int, float] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Question:
        """Take a question apart."""
        found = tokens(text)
        words = tuple(found[:_LONGEST])
        little = function_words()
        named: dict[str, tuple[tuple[int, int], ...]] = {}
        for start, stop, operation in named_operations(words):
            named[operation] = (*named.get(operation, ()), (start, stop))
        written = tuple(pieces(text)[:_LONGEST])
        shouted = all(not piece.islower() for piece in written)
        weights = tuple(
            # "AL" is no article and "US" no pronoun, unless all is written so
            LITTLE if word in little and not (place and _is_name(piece) and not shouted) else 1.0
            for place, (word, piece) in enumerate(zip(words, written, strict=True))
        )
        return cls(text, words, tuple(map(stem, words)), weights, named, written, len(found) - len(words))

    def over(self, names: Iterable[str]) -> Question:
        """The same over columns with some names: "total" and "name" say something where a column is called so."""
        called = {stem(token) for name in names if len(found := tokens(name)) == 1 for token in found} & _NOUNS
        if called.isdisjoint(self.stems):
            return self
        pairs = zip(self.stems, self.weights, strict=True)
        return replace(self, weights=tuple(1.0 if word in called else weight for word, weight in pairs), _sums={})

    @property
    def size(self) -> int:
        """Number of words."""
        return len(self.words)

    def weight(self, mask: int) -> float:
        """What some words say together."""
        known = self._sums.get(mask)
        if known is None:
            known = sum(weight for place, weight in enumerate(self.weights) if mask >> place & 1)
            self._sums[mask] = known
        return known

    def named(self, *operations: str) -> int:
        """The words that name an operation, or any of several."""
        return bits(span for operation in operations for span in self.operations.get(operation, ()))

    def words_of(self, mask: int) -> frozenset[str]:
        """Some words."""
        return frozenset(word for place, word in enumerate(self.words) if mask >> place & 1)

    def words_in(self, word: str) -> int:
        """The places of a word."""
        return bits((place, place + 1) for place, other in enumerate(self.words) if other == word)

    def says_little(self, start: int, stop: int) -> bool:
        """Whether some words are all function words."""
        return all(weight == LITTLE for weight in self.weights[start:stop])

    def unexplained(self, mask: int) -> tuple[str, ...]:
        """Words that say something and are not in a set."""
        return tuple(self.words[place] for place in self.unexplained_places(mask))

    def unexplained_places(self, mask: int) -> tuple[int, ...]:
        """Their places."""
        return tuple(p for p, weight in enumerate(self.weights) if not mask >> p & 1 and weight > LITTLE)

    def beside(self, place: int, mask: int) -> bool:
        """Whether the next or the previous word is in a set and says something."""
        return any(0 <= p < self.size and mask >> p & 1 and self.weights[p] > LITTLE for p in (place - 1, place + 1))

    def writes(self, label: str) -> bool:
        """Whether a name stands in the question just as it is written, with its capitals, behind the first word."""
        wanted = tuple(pieces(label))
        if all(piece.islower() for piece in wanted) or not any(piece.islower() for piece in self.written):
            return False
        length = len(wanted)
        return any(self.written[start : start + length] == wanted for start in range(1, self.size - length + 1))

    @property
    def known(self) -> bool:
        """Whether the question is in a language whose function words are known."""
        return LITTLE in self.weights

    def numbers(self) -> tuple[tuple[int, int, str], ...]:
        """Numbers in the question: (first word, behind the last, digits)."""
        found = []
        for place, word in enumerate(self.words):
            digits = word if word[0].isdigit() else _NUMBER_WORDS.get(word)
            if word == "one" and place and self.words[place - 1] in _SOMETHING:
                continue  # "the one with the highest wind"
            if digits is not None and digits.replace(".", "", 1).isdecimal() and digits[-1] != ".":
                found.append((place, place + 1, digits))
        return tuple(found)

    def moments(self) -> tuple[tuple[int, int, str], ...]:
        """Dates and years in the question, the longest ones: (first word, behind the last, ISO 8601)."""
        found: list[tuple[int, int, str]] = []
        for length in range(min(4, self.size), 0, -1):
            for start in range(self.size - length + 1):
                if any(at < start + length and start < to for at, to, _ in found):
                    continue
                words = self.words[start : start + length]
                said = moment(" ".join(words))
                alone = length == 1 or not any("-" in word for word in words)  # of a time of day nothing is known here
                if said is not None and alone and all(word[0].isdigit() or is_month(word) for word in words):
                    found.append((start, start + length, said))
        return tuple(found)


def _is_name(piece: str) -> bool:
    return piece.isupper() and piece != "I"


def bits(spans: Iterable[tuple[int, int]]) -> int:
    """The set of the words in some spans.

    Examples
    --------
    >>> bin(bits([(0, 2), (3, 4)]))
    '0b1011'
    """
    mask = 0
    for start, stop in spans:
        mask |= ((1 << (stop - start)) - 1) << start
    return mask
