# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""What passages say, one statement at a time: a cell with its key, a cell of a row, a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from jupyter_localllm.cite.facts import Facts, Word, content_words, facts_of, without_labels
from jupyter_localllm.cite.sentences import sentences_of
from jupyter_localllm.cite.units import unit_named
from jupyter_localllm.cite.words import FILLING, OPERATIONS, SCALES, fold
from jupyter_localllm.types import Passage

__all__ = ["Scope", "Statement", "as_value", "statements_of"]

_MOST_CELLS = 4000
_TOKEN = re.compile(r"[^\W_]+[²³]?(?:/[A-Za-z]+)?|[%‰€$£¥₹]")
_LABEL = re.compile(r"^row [\d,]+ \((.*)\)(?:, column .*)?$", re.DOTALL)
_SQUEEZE = re.compile(r"[\s\"'“”„«»‘’`*_]+")


def as_value(text: str) -> str:
    """A text as values are compared: folded, without quotation marks, emphasis and a full stop at its end.

    Examples
    --------
    >>> as_value(" “Berlin”. ") == as_value("**berlin**")
    True
    """
    return fold(_SQUEEZE.sub(" ", text).strip(" .。!;；,:"))


class Scope:
    """The words that may stand in a claim because a text says them.

    Parameters
    ----------
    text : str
    """

    def __init__(self, text: str) -> None:
        self.folded = fold(text[:100_000])
        self.words: dict[str, bool] = {}  # folded -> whether it stands there as a name
        self.begins: dict[str, list[str]] = {}
        for word in facts_of(text).words:
            self.words[word.folded] = self.words.get(word.folded, False) or word.name or word.first
            self.begins.setdefault(word.folded[:4], []).append(word.folded)
        for number in facts_of(text).numbers:
            self.words.setdefault(fold(number.text.strip()), True)

    def names(self) -> set[str]:
        """Words with a capital that say something."""
        return {word for word, name in self.words.items() if name and word not in FILLING}


@dataclass(frozen=True, eq=False)
class Statement:
    """One thing that a passage says.

    Parameters
    ----------
    number : int
        Of its passage, counted from 1.
    passage : Passage
    text : str
        All of it.
    value : str
        What it says of its key; empty where the sentence says it all.
    key : str
        What it is said of; with a value only.
    column : str
        The part of the key that is the column's name.
    label : str
        What the row is called that it is about.
    cells : tuple of (str, str)
        Columns and values, for a row as a whole.
    around : str
        The nearest text above it that names something, for a sentence that names nothing itself.
    """

    number: int
    passage: Passage
    text: str
    value: str = ""
    key: str = ""
    column: str = ""
    label: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    around: str = field(default="", repr=False)

    @cached_property
    def facts(self) -> Facts:
        """Of the value, or of the whole sentence if there is no value."""
        return facts_of(self.value or self.text)

    @cached_property
    def key_facts(self) -> Facts:
        """Of the key, without the figures that are part of the row's name."""
        return without_labels(facts_of(self.key), self.key, [self.label] if facts_of(self.label).words else [])

    @cached_property
    def scope(self) -> Scope:
        """The words it carries: its own, and the place it stands at."""
        place = self.passage.locator
        columns = place.columns if self.passage.value else ()  # of a row, each cell has its own
        return Scope(" \n ".join((self.text, *columns, place.operation or "", self.passage.source)))

    @cached_property
    def wider(self) -> Scope:
        """The words of the text above it."""
        return Scope(self.around)

    @cached_property
    def leading(self) -> frozenset[str]:
        """The names before its first figure."""
        first = self.facts.figures[0].start if self.facts.figures else len(self.text)
        names = self.scope.names()
        return frozenset(w.folded for w in self.facts.words if w.start < first and w.folded in names)

    @cached_property
    def subject(self) -> tuple[Word, ...]:
        """The words of the row that it is about: of its label, or of its key without the column's."""
        if self.label:
            facts = facts_of(self.label)
            return tuple(content_words(facts)) or facts.words
        column = {word.folded for word in facts_of(self.column).words}
        return tuple(word for word in content_words(self.key_facts) if word.folded not in column)

    @cached_property
    def units(self) -> frozenset[str]:
        """Units that the key names for the value, as "Area (km²)" does."""
        return frozenset(unit for word in _TOKEN.findall(self.key) if (unit := unit_named(word)))

    @cached_property
    def power(self) -> int:
        """The power of ten that the key names for the value, as "Population (millions)" does."""
        words = (fold(word) for word in _TOKEN.findall(self.column or self.key) if len(word) > 1)
        return max((SCALES.get(word, 0) for word in words), default=0)

    @cached_property
    def operations(self) -> frozenset[str]:
        """Words that say the same as the operation which was computed."""
        operation = fold(self.passage.locator.operation or "") + " " + fold(self.key)
        told = [words for name, words in OPERATIONS.items() if re.search(rf"\b(?:arg|n)?{name}\b", operation)]
        return frozenset().union(*told) if self.passage.kind in ("computed", "statistic") else frozenset()


def statements_of(passages: Sequence[Passage]) -> list[Statement]:
    """What the passages say, in their order.

    Parameters
    ----------
    passages : sequence of Passage
        Number ``n`` is ``passages[n - 1]``.
    """
    return [statement for n, passage in enumerate(passages, 1) for statement in _of_passage(n, passage)]


def _of_passage(number: int, passage: Passage) -> Iterator[Statement]:
    if passage.value.strip():
        at = _place(passage.value, passage.text)
        key = passage.text[:at] + " " + passage.text[at + len(passage.value) :] if at >= 0 else passage.text
        key = key.replace("_", " ")
        text = key + " " + passage.value if at < 0 else passage.text.replace("_", " ")
        column = " ".join(passage.locator.columns).replace("_", " ")
        yield Statement(number, passage, text, passage.value, key, column, _label(passage))
    elif passage.kind in ("row", "rows") and 1 < len(passage.shown) * len(passage.shown[0]) <= _MOST_CELLS:
        yield from _of_rows(number, passage)
    else:
        yield from _of_text(number, passage)


def _place(value: str, text: str) -> int:
    """Where the value stands in its passage, behind a colon or equals sign if it can; -1 for nowhere."""
    whole = rf"(?<![\w.,]){re.escape(value)}(?!\w|[.,]\d)"
    places = [found.end() - len(value) for found in re.finditer(rf"[:=]\s*{whole}", text)] or [
        found.start() for found in re.finditer(whole, text)
    ]
    return places[-1] if places else text.rfind(value)


def _label(passage: Passage) -> str:
    """What the passage's row is called, as far as its place tells."""
    found = _LABEL.search(passage.locator.label)
    label = found[1] if found else ""
    if label.endswith("…"):  # the place is kept short
        cells = (cell for row in passage.shown[1:] for cell in row)
        label = next((cell for cell in cells if cell.startswith(label[:-1])), label[:-1])
    return label


def _of_rows(number: int, passage: Passage) -> Iterator[Statement]:
    header, *rows = passage.shown
    for row in rows:
        cells = [(name, cell) for name, cell in zip(header, row, strict=False) if name != "row"]
        label = (_label(passage) if len(rows) == 1 else "") or next((cell for _, cell in cells if cell.strip()), "")
        if len(rows) == 1:
            cells += _more_cells(passage.text, {name for name, _ in cells})
        cells = [(name.replace("_", " "), cell) for name, cell in cells if cell.strip()]
        whole = "; ".join(f"{name}: {cell}" for name, cell in cells)
        yield Statement(number, passage, whole, label=label, cells=tuple(cells))
        for name, cell in cells:
            yield Statement(number, passage, f"{name} ; {label}: {cell}", cell, f"{name} ; {label}", name, label)


def _more_cells(text: str, known: set[str]) -> list[tuple[str, str]]:
    """The cells of a row that are in its text and not among those that are shown."""
    pairs = [piece.partition(": ") for piece in text.split("; ")]
    return [(name, cell) for name, sign, cell in pairs if sign and name not in known]


def _of_text(number: int, passage: Passage) -> Iterator[Statement]:
    around = ""
    for sentence in sentences_of(passage.text):
        statement = Statement(number, passage, sentence.replace("_", " "), around=around)
        yield statement
        if passage.kind == "text" and any(
            word.name or word.first for word in facts_of(sentence).words if word.folded not in FILLING
        ):
            around = sentence
