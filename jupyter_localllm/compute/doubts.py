"""What speaks against a reading for the most or the least: an end that nobody can tell, or another question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_localllm.compute.direction import unclear
from jupyter_localllm.compute.question import Question
from jupyter_localllm.sources.tokens import stem, tokens
from jupyter_localllm.sources.typed import is_month

if TYPE_CHECKING:
    from jupyter_localllm.compute.reading import Reading
    from jupyter_localllm.sources.table import Column

__all__ = ["SUPERLATIVES", "doubtful", "says_more"]

SUPERLATIVES = ("min", "max", "with min", "with max", "most", "least")

_YES_OR_NO = frozenset(
    {"is", "are", "was", "were", "did", "does", "do", "has", "have", "ist", "war", "hat", "est", "es"}
)
_WHAT = (("was", "ist"), ("was", "war"), ("was", "sind"), ("was", "waren"))  # German
_EITHER = frozenset({"or", "and", "oder", "und", "ou", "et", "o", "y", "e"})
_WITH = frozenset({"with", "without", "mit", "ohne", "avec", "sans", "con", "sin", "senza", "com", "sem"})
_LIMITS = (">", ">=", "<", "<=")
_LARGE = frozenset({"largest", "biggest", "smallest", "grosste", "grossten", "kleinste", "kleinsten"})
_RANKS = frozenset({"rank", "ranking", "place", "position", "year", "day", "level", "floor", "round"})
_OTHERWISE = frozenset(  # something else is computed than any reading does
    {
        *("almost", "nearly", "percentage", "percent", "proportion", "fraction", "ratio", "increase", "decrease"),
        *("drop", "rise", "growth", "gain", "change", "combined", "prozent", "anteil", "anstieg", "pourcentage"),
        *("hausse", "baisse", "porcentaje", "aumento", "percentuale", "porcentagem"),
    }
)


def doubtful(question: Question, reading: Reading) -> bool:
    """Whether the most or the least of a column is told, and it is likely that something else was asked."""
    operation, columns = reading.candidate.operation, reading.source.table.columns
    if operation.function not in SUPERLATIVES:
        return False
    asks_yes_or_no = question.words[0] in _YES_OR_NO and question.words[:2] not in _WHAT
    if asks_yes_or_no or _limited_elsewhere(question, reading):
        return True  # "Is Ida the oldest?" asks for no age
    if operation.column is None:
        return False
    column, most = columns[operation.column], question.named("max") | question.named("min")
    said = question.words_of(most & reading.candidate.mask)
    if unclear(said, column) or (said and said <= _LARGE and _numbers_rows(column)):
        return True
    return operation.target is not None and _beside(question, columns[operation.target], column)


def says_more(question: Question, place: int) -> bool:
    """Whether a word that a reading leaves unexplained says for certain that something else was asked."""
    word, before = question.words[place], question.words[place - 1] if place else ""
    if word in _OTHERWISE or is_month(word):
        return True
    # "the least cold", "most quickly": the most of that, and of no column
    return before == "least" or (before == "most" and word.endswith("ly") and word != "recently")


def _limited_elsewhere(question: Question, reading: Reading) -> bool:
    """Whether a number limits a column that is not named: "the lowest price below 9" is of prices."""
    columns = reading.source.table.columns
    limits = [c for c in reading.candidate.operation.conditions if c.comparison in _LIMITS and c.row is None]
    limited = [columns[condition.column] for condition in limits]
    numbers = [column for column in limited if column.kind == "number" and not column.years]
    return any({stem(token) for token in tokens(column.label)}.isdisjoint(question.stems) for column in numbers)


def _beside(question: Question, target: Column, column: Column) -> bool:
    """Whether the column that is shown only says which rows ("the last day with rain"), or stands for both ("or")."""
    shown, compared = ({stem(token) for token in tokens(one.label)} for one in (target, column))
    stems = question.stems
    for place, word in enumerate(question.words[1:-1], 1):
        before, behind = stems[place - 1], stems[place + 1]
        if word in _WITH and behind in shown and stems.count(behind) == 1:
            return True
        both = (before in shown and behind in compared) or (before in compared and behind in shown)
        if word in _EITHER and both:
            return True
    return False


def _numbers_rows(column: Column) -> bool:
    """Whether a column only counts its rows: the largest order is not the last one."""
    series = column.series
    if len(series) < 3 or not series.dtype.is_integer() or not _RANKS.isdisjoint(map(stem, tokens(column.label))):
        return False
    steps = series.diff().drop_nulls()
    return len(steps) == len(series) - 1 and bool((steps == 1).all())
