"""What speaks against a reading for the most or the least: an end that nobody can tell, or another question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.compute.direction import unclear
from jupyter_localllm.compute.question import Question
from jupyter_localllm.sources.tokens import stem, stems, tokens
from jupyter_localllm.sources.typed import is_month

if TYPE_CHECKING:
    from jupyter_localllm.compute.reading import Reading
    from jupyter_localllm.sources.table import Column

__all__ = ["SUPERLATIVES", "doubtful", "limits", "says_more"]

SUPERLATIVES = ("min", "max", "with min", "with max", "most", "least")

_YES_OR_NO = frozenset(
    {"is", "are", "was", "were", "did", "does", "do", "has", "have", "ist", "war", "hat", "est", "es"}
)
_WHAT = (("was", "ist"), ("was", "war"), ("was", "sind"), ("was", "waren"))  # German
_EITHER = frozenset({"or", "and", "oder", "und", "ou", "et", "o", "y", "e"})
_WITH = frozenset({"with", "without", "mit", "ohne", "avec", "sans", "con", "sin", "senza", "com", "sem"})
_LEFT_OUT = frozenset(
    {"but", "except", "excluding", "besides", "outside", "ausser", "ohne", "sauf", "salvo", "excepto"}
)
_MUCH = frozenset({"most", "least"})
_DAYS = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
_ENDS = ("est", "ste", "sten", "ster", "most", "least", "maximum", "minimum")
_SHARES = frozenset({"percentage", "percent", "proportion", "fraction", "ratio", "share"})
_LIMITS = (">", ">=", "<", "<=")
_LARGE = frozenset({"largest", "biggest", "smallest", "grosste", "grossten", "kleinste", "kleinsten"})
_RANKS = frozenset(map(stem, ("rank", "ranking", "place", "position", "year", "day", "level", "floor", "round")))
_LIMITING = frozenset({"this", "these", "at", "among", "during", "since", "until", "till", "within"})
_WHOLE = frozenset({"table", "data", "dataset", "frame", "dataframe", "list", "sheet", "file", "all", "least", "most"})
_OTHERWISE = frozenset(  # something else is computed than any reading does
    {
        *("almost", "nearly", "increase", "decrease"),
        *("drop", "rise", "growth", "gain", "change", "combined", "prozent", "anteil", "anstieg", "pourcentage"),
        *("hausse", "baisse", "porcentaje", "aumento", "percentuale", "porcentagem"),
    }
)


def doubtful(question: Question, reading: Reading) -> bool:
    """Whether the most or the least of a column is told, and it is likely that something else was asked."""
    operation = reading.candidate.operation
    if operation.function not in SUPERLATIVES:
        return False
    asks_yes_or_no = question.words[0] in _YES_OR_NO and question.words[:2] not in _WHAT and not operation.either
    if asks_yes_or_no or not _LEFT_OUT.isdisjoint(question.words):
        return True
    if _limited_elsewhere(question, reading) or _both_ends(question, reading.source.table.columns):
        return True
    return operation.column is not None and _compared_oddly(question, reading, operation.column)


def _compared_oddly(question: Question, reading: Reading, place: int) -> bool:
    """Whether that column is hardly meant: nobody can say its end, or another column was asked for."""
    columns, target = reading.source.table.columns, reading.candidate.operation.target
    column, answer = columns[place], columns[place if target is None else target]
    said = question.words_of(question.named("max", "min") & reading.candidate.mask)
    if unclear(said, column) or (said and said <= _LARGE and _numbers_rows(column)):
        return True
    if column.kind == "moment" and said and said <= _MUCH:
        return not any(word.startswith("recent") for word in question.words)  # "shipped the most" tells no day
    if question.named("person") and answer.kind != "text":
        return True  # "Who is ranked last?" asks for no rank
    return target is not None and _beside(question, answer, column)


def says_more(question: Question, place: int) -> bool:
    """Whether a word that a reading leaves unexplained says for certain that something else was asked."""
    word, before = question.words[place], question.words[place - 1] if place else ""
    if word in _SHARES and place < 3:
        return True  # "what percentage", but "the highest win percentage"
    if word in _OTHERWISE or word in _DAYS or is_month(word):
        return True
    if word == "next" and question.named("max", "min") >> (place + 1) & 1:
        return True  # "the next highest"
    # "the least cold", "most quickly": the most of that, and of no column
    return before == "least" or (before == "most" and word.endswith("ly") and word != "recently")


def limits(question: Question, place: int) -> bool:
    """Whether a word that a reading leaves unexplained says of which rows: "this week", "at noon", "among winners"."""
    return place > 0 and question.words[place - 1] in _LIMITING and question.words[place] not in _WHOLE


def _limited_elsewhere(question: Question, reading: Reading) -> bool:
    """Whether a number limits a column that is not named: "the lowest price below 9" is of prices."""
    operation, columns = reading.candidate.operation, reading.source.table.columns
    compared = frozenset[str]() if operation.column is None else stems(columns[operation.column].label)
    behind = {digits: question.stems[stop : stop + 1] for _, stop, digits in question.numbers()}
    for limit in operation.conditions:
        column = columns[limit.column]
        if limit.comparison in _LIMITS and limit.row is None and column.kind == "number" and not column.years:
            own = stems(column.label)
            unit = compared.intersection(behind.get(limit.value, ())) - own  # "under 10 ms", of another column
            if own.isdisjoint(question.stems) or unit:
                return True
    return False


def _both_ends(question: Question, columns: Sequence[Column]) -> bool:
    """Whether the most and the least are named, and neither word is a column: one alone is no answer."""
    names = {token for column in columns for token in tokens(column.label)}
    said = (question.words_of(question.named(end)) - names for end in ("max", "min"))
    return all(any(word.endswith(_ENDS) for word in words) for words in said)  # "less than 3" is no end


def _beside(question: Question, target: Column, column: Column) -> bool:
    """Whether the column that is shown only says which rows ("the last day with rain"), or stands for both ("or")."""
    shown, compared = stems(target.label), stems(column.label)
    said = question.stems
    for place, word in enumerate(question.words[1:-1], 1):
        before, behind = said[place - 1], said[place + 1]
        if word in _WITH and behind in shown and said.count(behind) == 1:
            return True
        both = (before in shown and behind in compared) or (before in compared and behind in shown)
        if word in _EITHER and both:
            return True
    return False


def _numbers_rows(column: Column) -> bool:
    """Whether a column only counts its rows: the largest order is not the last one."""
    series = column.series
    if len(series) < 3 or not series.dtype.is_integer() or not _RANKS.isdisjoint(stems(column.label)):
        return False
    steps = series.diff().drop_nulls()
    return len(steps) == len(series) - 1 and bool((steps == 1).all())
