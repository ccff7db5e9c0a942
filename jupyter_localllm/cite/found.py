"""Statements that carry a claim or a part of one, and whether its words agree with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.cite.agree import Agreement, Ground, words_of
from jupyter_localllm.cite.compare import Manner, carried
from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.facts import Facts, Word, content_words, facts_of
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.statements import Statement, statements_of
from jupyter_localllm.cite.turns import turned, turns_of
from jupyter_localllm.cite.words import words
from jupyter_localllm.types import Passage

__all__ = ["NOWHERE", "Found", "Lookup", "chosen_of"]

NOWHERE = "this is not in the sources"
_COPULAS = words("is are was were ist sind war waren est sont etait etaient es son era eran e sono foi sao")


@dataclass(frozen=True)
class Found:
    """Statements that carry a part of a claim, or why none does."""

    statements: tuple[Statement, ...] = ()
    notes: tuple[str, ...] = ()
    trouble: str = ""


class Lookup:
    """Finds statements that say what a claim says.

    Parameters
    ----------
    passages : sequence of Passage
    question : str
    """

    def __init__(self, passages: Sequence[Passage], question: str) -> None:
        self.question = question
        self.statements = statements_of(passages)
        self.ground = Ground(self.statements, question)
        self._asked = {word.folded for word in content_words(facts_of(question))}

    def in_order(self, statements: Iterable[Statement], cited: list[int]) -> list[Statement]:
        """Statements, those that are cited first, then those that the question is about."""
        return sorted(statements, key=lambda s: (s.number not in cited, *self._rank(s)))

    def _rank(self, statement: Statement) -> tuple[int, bool, int]:
        """Of statements that say the same: the one the question is about, the shortest, the first."""
        asked = 0 if statement.cells else sum(word in statement.scope.words for word in self._asked)
        return -asked, statement.passage.kind in ("row", "rows"), statement.number

    def carrying(self, words: tuple[Word, ...], facts: Facts, cited: list[int]) -> Found:
        """Statements that carry all the words."""
        good: dict[Statement, str] = {}
        trouble = ""
        for statement in self.in_order(self.statements, cited):
            if statement.value and not self.says_value(statement, facts):
                continue
            agreed = self.agrees(words, facts, [statement])
            if agreed.good and words and _same_order(statement, words, facts):
                good[statement] = agreed.reason
            elif statement.number in cited:
                trouble = trouble or agreed.reason
        if not good:
            return Found(trouble=trouble or NOWHERE)
        chosen = chosen_of(list(good), cited)
        return Found(tuple(chosen), tuple(dict.fromkeys(good[s] for s in chosen if good[s])))

    def says_value(self, statement: Statement, facts: Facts) -> bool:
        """Whether the claim says the value in words, beside those of the key."""
        own = content_words(statement.facts) or statement.facts.words
        figures = statement.facts.figures
        if any(word.unspaced for word in own):
            told = "".join(word.folded for word in facts.words)
            return all(word.folded in told for word in own)
        if {word.folded for word in content_words(facts)} == {word.folded for word in own}:
            return not figures
        left = Counter(word.folded for word in facts.words)
        key = Counter({word.folded: 1 for word in (*statement.key_facts.words,)})
        if figures and not any(word.name or word.first for word in own):
            return False
        return bool(own) and all(left[word.folded] > key[word.folded] for word in own)

    def agrees(
        self, words: Sequence[Word], facts: Facts, used: list[Statement], figures: Sequence[Number | Date] | None = None
    ) -> Agreement:
        """Whether the words of a claim, or of a part of it, are carried, and nothing that the statements deny.

        Parameters
        ----------
        words : sequence of Word
            Of the part.
        facts : Facts
            Of the whole claim.
        used : list of Statement
        figures : sequence of Number or Date, optional
            Of the part. Default: of the whole claim.
        """
        agreed = self.ground.agrees(words, facts, used)
        part = facts
        if figures is not None:
            numbers = tuple(figure for figure in figures if isinstance(figure, Number))
            dates = tuple(figure for figure in figures if isinstance(figure, Date))
            part = replace(facts, words=tuple(words), numbers=numbers, dates=dates)
        if agreed.good and (column := next((c for s in used for c in _other_columns(s, part)), "")):
            return Agreement(False, f"[{used[0].number}] says something else of “{column}”")
        if agreed.good and (turn := self._turn(words, facts, used)):
            said = turn in turns_of(facts).values()
            marks = "".join(dict.fromkeys(f"[{s.number}]" for s in used))
            return Agreement(False, f"it says “{turn}”, and {marks} does not" if said else f"{marks} says “{turn}”")
        if agreed.good:
            negative = any(s.facts.negative or s.key_facts.negative for s in used)
            if facts.negative != negative:
                marks = "".join(dict.fromkeys(f"[{s.number}]" for s in used))
                return Agreement(
                    False, f"it says “not”, and {marks} does not" if facts.negative else f"{marks} says “not”"
                )
        return agreed

    def _turn(self, words: Sequence[Word], facts: Facts, used: list[Statement]) -> str:
        """A word that turns what one of the sentences says around, and not the claim, or the other way round."""
        sentences = [statement for statement in used if not statement.value and not statement.cells]
        asked = facts_of(self.question)
        return next(filter(None, (turned(s.text, words, facts, asked) for s in sentences)), "")


def chosen_of(good: list[Statement], cited: list[int]) -> list[Statement]:
    """Those that were cited; or the first one, and one from another source that says the same."""
    kept = [statement for statement in good if statement.number in cited]
    if kept:
        return kept
    other = [statement for statement in good[1:] if statement.passage.source != good[0].passage.source]
    return [good[0], *other[:1]]


def _same_order(statement: Statement, words: Sequence[Word], facts: Facts) -> bool:
    """Whether names stand in the order of the sentence: "A beat B" is not "B beat A"; "A is B" is "B is A"."""
    if statement.value or statement.cells or {word.folded for word in facts.words} & _COPULAS:
        return True
    places: dict[str, int] = {}
    for word in statement.facts.words:
        places.setdefault(word.folded, word.start)
    order = [places[word.folded] for word in words if (word.name or word.first) and word.folded in places]
    return order == sorted(order)


def _other_columns(statement: Statement, facts: Facts) -> Iterator[str]:
    """Columns of a row that the claim names without saying what the row says of them."""
    said = {word.folded for word in facts.words}
    label = words_of(statement.label)
    told = {figure for figure in facts.figures if figure.text in statement.label}
    for name, cell in statement.cells:
        words = words_of(name)
        named = words <= said if words else bool(re.search(rf"(?<!\w){re.escape(name.strip())}(?!\w)", facts.text))
        if not named or not name.strip() or (words and words <= label):
            continue
        own = Statement(statement.number, statement.passage, f"{name}: {cell}", cell, name, name)
        values, figures = words_of(cell), own.facts.figures
        told.update(figure for figure in facts.figures if any(_alike(mine, own, figure) for mine in figures))
        if figures and all(any(_alike(mine, own, its) for its in facts.figures) for mine in figures):
            continue
        if figures or not (values - words - label and values <= said):
            yield name
    if statement.cells:  # a small number stands in many rows, of one thing or another
        small = (f for f in facts.figures if isinstance(f, Number) and f.digits < 3 and f.readings[0].step >= 1)
        yield from (f.text for f in small if f not in told and carried(f, statement, Manner()) is not None)


def _alike(figure: Number | Date, statement: Statement, claim: Number | Date) -> bool:
    """Whether the claim's figure is said of this one of a value that may have several."""
    if isinstance(figure, Date) or isinstance(claim, Date):
        return carried(claim, statement, Manner()) is not None
    alone = replace(statement, text=figure.text, value=figure.text)
    return carried(claim, alone, Manner()) is not None
