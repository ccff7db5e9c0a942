"""What of a table the words of a question point at: its columns, and the values of its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.compute.operation import Condition
from jupyter_localllm.compute.question import LITTLE, Question, bits
from jupyter_localllm.sources.tokens import alike, stem, stems, tokens
from jupyter_localllm.sources.typed import exact

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column, Table
    from jupyter_localllm.sources.values import Values

__all__ = ["ColumnLink", "ValueLink", "link_columns", "link_values"]

_LONGEST = 12  # words of a value that are looked for in one piece
_MOST_WORDS = 60_000  # words of a table among which a misspelt one is looked for
_PARTLY = 0.35  # cost of a value of which the question holds next to nothing
_MISSPELT = 0.3
_SPELT = 7  # letters of a word that is taken for a misspelt one; Muller and Miller are two people
_MANY = 100
_BESIDE = 2  # words between a number and the column that it is of


@dataclass(frozen=True)
class ColumnLink:
    """How far a question names a column.

    Parameters
    ----------
    mask : int
        The words that do; 0 if none.
    share : float
        How much of the column's name they are, 0 to 1.
    """

    mask: int = 0
    share: float = 0.0


@dataclass(frozen=True)
class ValueLink:
    """A value of a column that a question names.

    Parameters
    ----------
    condition : Condition
    mask : int
        The words that do.
    cost : float
        How much is missing from a whole and exact name; 0 for nothing.
    whole : bool
        Whether the words are the whole value.
    """

    condition: Condition
    mask: int
    cost: float
    whole: bool


def link_columns(question: Question, table: Table) -> list[ColumnLink]:
    """How far each column is named; one link for each column."""
    names = [tuple(stem(token) for token in tokens(column.label)) for column in table.columns]
    single = {name[0] for name in names if len(name) == 1}
    # "order" is the column "order", and not "ordered" as well
    own = {place: word for place, word in enumerate(question.stems) if word in single}
    most = question.named("max", "min")
    return [
        _link(question, name, own, most) if name else _link_signs(question, column.label.strip())
        for name, column in zip(names, table.columns, strict=True)
    ]


def _link(question: Question, name: tuple[str, ...], own: Mapping[int, str], most: int) -> ColumnLink:
    hit: dict[int, float] = {}
    found = 0.0
    for word in name:
        best = 0.0
        for place, other in enumerate(question.stems):
            likeness = 0.0 if own.get(place, word) != word else alike(word, other)
            if likeness:
                hit[place] = max(hit.get(place, 0.0), likeness)
                best = max(best, likeness)
        found += best
    share = found / len(name)
    likely = {place: likeness for place, likeness in hit.items() if likeness == 1.0 or not most >> place & 1}
    hit = likely or hit  # "highest" does not name "high" beside "high" itself
    # A function word is the name of a column only where it is the whole name ("No", "In").
    places = [place for place in hit if question.weights[place] > LITTLE or share >= 0.99]
    return ColumnLink(bits((place, place + 1) for place in places), share if places else 0.0)


def _link_signs(question: Question, label: str) -> ColumnLink:
    """A name without letters or digits, as ``"#"``, is named where it stands in the question by itself.

    There is no word that could be marked as explained, so the share alone tells.
    """
    named = bool(label) and any(piece.strip(".,:;?!¿'\"“”„") == label for piece in question.text.split())
    return ColumnLink(0, 1.0 if named else 0.0)


def link_values(question: Question, values: Values) -> list[ValueLink]:
    """The values that a question names, the best ones first."""
    found = [*_spans(question, values), *_misspelt(question, values), *_exact(question, values)]
    found += [*_numbers(question, values.table), *_moments(question, values.table)]
    found.sort(key=lambda link: link.cost - question.weight(link.mask))
    return found


def _spans(question: Question, values: Values) -> Iterator[ValueLink]:
    """Runs of words that stand in values, the longest of each column and place."""
    longest: dict[int, list[tuple[int, int]]] = {}
    spans = [
        (start, stop)
        for length in range(min(_LONGEST, question.size), 0, -1)
        for start in range(question.size - length + 1)
        if not question.says_little(start, stop := start + length)
    ]
    for start, stop in spans:
        for column, texts in values.with_words(question.stems[start:stop]):
            taken = longest.setdefault(column.position, [])
            if any(at <= start and stop <= to for at, to in taken):
                continue
            taken.append((start, stop))
            yield from _of_column(question, values, column, texts, (start, stop))


def _of_column(
    question: Question, values: Values, column: Column, texts: list[str], span: tuple[int, int]
) -> Iterator[ValueLink]:
    length = span[1] - span[0]
    mask = bits([span])
    whole = [text for text in texts if len(values.stems_of(column, text)) == length]
    known = set(whole)
    for text in whole[:3]:
        yield ValueLink(Condition(column.position, "==", text), mask, 0.0, True)
    rest = len(texts) - len(whole)
    if rest:
        share = length / min(len(values.stems_of(column, text)) for text in texts if text not in known)
        said = " ".join(question.words[span[0] : span[1]])
        if len(texts) == 1:  # one value is meant: name it
            yield ValueLink(Condition(column.position, "==", texts[0]), mask, _PARTLY * (1 - share), share > 0.6)
        else:
            yield ValueLink(Condition(column.position, "has", said), mask, _PARTLY * (1 - share), False)


def _misspelt(question: Question, values: Values) -> Iterator[ValueLink]:
    """Values that hold a word which differs in one letter from one of the question that stands nowhere."""
    if any(len(values.words(column).values) > _MOST_WORDS for column in values.columns):  # without adding them up
        return
    vocabulary = values.vocabulary
    if len(vocabulary) > _MOST_WORDS:
        return
    known = bits(span for spans in question.operations.values() for span in spans)
    for link in link_columns(question, values.table):
        known |= link.mask
    for place, word in enumerate(question.stems):
        if question.weights[place] == LITTLE or len(word) < _SPELT or word in vocabulary or any(map(str.isdigit, word)):
            continue
        if known >> place & 1:  # a word that says something already is spelt right
            continue
        for other in values.spelt_like(word):
            if near(word, other):
                yield from _corrected(question, values, place, other)


def _corrected(question: Question, values: Values, place: int, word: str) -> Iterator[ValueLink]:
    stems = (*question.stems[:place], word, *question.stems[place + 1 :])
    for length in range(min(_LONGEST, question.size), 0, -1):
        for start in range(max(0, place - length + 1), min(place, question.size - length) + 1):
            hits = list(values.with_words(stems[start : start + length]))
            for column, texts in hits:
                for text in texts[:3]:
                    share = length / max(length, len(values.stems_of(column, text)))
                    cost = _MISSPELT + _PARTLY * (1 - share)
                    mask = bits([(start, start + length)])
                    yield ValueLink(Condition(column.position, "==", text), mask, cost, share == 1)
            if hits:
                return


def near(one: str, other: str) -> bool:
    """Whether two words differ in one letter: changed, missing, added, or two that changed places.

    Examples
    --------
    >>> near("berlin", "berlim"), near("berlin", "belrin"), near("berlin", "munich")
    (True, True, False)
    """
    if abs(len(one) - len(other)) > 1:
        return False
    first = 0
    while first < min(len(one), len(other)) and one[first] == other[first]:
        first += 1
    a, b = one[first:], other[first:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


def _exact(question: Question, values: Values) -> Iterator[ValueLink]:
    """Whole values of columns that are too large for an index, written as in the question."""
    pieces = question.text.replace("?", " ").replace(",", " ").split()
    for column in values.large:
        wanted = {
            " ".join(pieces[start:stop]): (start, stop)
            for start in range(len(pieces))
            for stop in range(start + 1, min(start + _LONGEST, len(pieces)) + 1)
        }
        rows = values.rows(column, list(wanted))
        for row in rows.nonzero()[0][:3]:
            text = column.text(int(row))
            words = stems(text)
            mask = bits((at, at + 1) for at, word in enumerate(question.stems) if word in words)
            yield ValueLink(Condition(column.position, "==", text), mask, 0.0, True)


def _numbers(question: Question, table: Table) -> Iterator[ValueLink]:
    """Numbers of the question that stand in columns of numbers."""
    most = question.named("max", "min")  # "the two highest" are no two of the column "high"
    links = [link.mask & ~most or (link.mask if link.share >= 0.99 else 0) for link in link_columns(question, table)]
    ends = most | question.named("first") | question.named("last")
    for start, stop, digits in question.numbers():
        if start and ends >> (start - 1) & 1 and float(digits) < _MANY:
            continue  # "the first three"
        numeric = [column for column in table.columns if column.series.dtype.is_numeric()]
        beside = [column for column in numeric if _apart(links[column.position], start) <= _BESIDE]
        # "rank 6" is a rank, if it is anywhere; but "wins in 2003" are of a year
        for column in beside or numeric:
            if _holds(column, exact(digits)):
                # a number may be in any column: in one that is not named it is a guess
                meant = column.years or column in beside
                yield _equal(column, digits, (start, stop), 0.05 if meant else 0.25, meant)
        for column in numeric:
            if beside and column.years and column not in beside and _holds(column, exact(digits)):
                yield _equal(column, digits, (start, stop), 0.05, True)


def _equal(column: Column, digits: str, span: tuple[int, int], cost: float, meant: bool) -> ValueLink:
    return ValueLink(Condition(column.position, "==", digits), bits([span]), cost, meant)


def _apart(mask: int, place: int) -> int:
    """How far a word is from a set of words."""
    return min((abs(at - place) for at in range(mask.bit_length()) if mask >> at & 1), default=1_000)


def _holds(column: Column, number: int | float) -> bool:
    return bool(column.equal_to(number).any())


def _moments(question: Question, table: Table) -> Iterator[ValueLink]:
    """Dates and years of the question that stand in columns of dates."""
    for start, stop, said in question.moments():
        for column in table.columns:
            if column.kind != "moment" or column.series.dtype.is_numeric():
                continue
            if column.moments.str.starts_with(said).any():
                whole = len(said) >= len(str(column.moments.drop_nulls().head(1)[0]))
                mask = bits([(start, stop)])
                yield ValueLink(Condition(column.position, "in", said), mask, 0.05, whole)
