"""Which end of a column a superlative means: "fastest" is the most of a speed and the least of a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from jupyter_localllm.sources.tokens import stem, tokens

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column

__all__ = ["End", "end_of", "is_age"]

End = Literal["max", "min"]

_FAST = frozenset({"fastest", "quickest", "schnellste", "schnellsten"})
_SLOW = frozenset({"slowest"})
_GOOD = frozenset({"best", "top", "beste", "besten", "meilleur", "meilleure", "mejor", "migliore", "melhor"})
_BAD = frozenset({"worst"})
_TIMES = frozenset({"time", "duration", "second", "minute", "hour", "lap", "zeit", "dauer", "temp", "tiempo", "tempo"})
_PLACES = frozenset({"rank", "ranking", "place", "placing", "position", "po", "rang", "platz", "puesto", "posizione"})
_AGES = frozenset({"age", "alter", "edad", "eta", "idade", "leeftijd", "wiek", "alder"})
_OTHER: dict[End, End] = {"max": "min", "min": "max"}


def end_of(said: frozenset[str], end: End, column: Column) -> End:
    """The end that is meant, of a column.

    Parameters
    ----------
    said : frozenset of str
        The words of the superlative.
    end : {"max", "min"}
        What they mean elsewhere.
    column : Column

    Examples
    --------
    The best rank is the first one, and the fastest lap takes the least time::

        end_of(frozenset({"best"}), "max", rank) == "min"
        end_of(frozenset({"fastest"}), "min", speed) == "max"
    """
    name = {stem(token) for token in tokens(column.label)}
    timed = column.clock or bool(name & _TIMES)
    if said and said <= _FAST:
        return "min" if timed else "max"
    if said and said <= _SLOW:
        return "max" if timed else "min"
    if said and (said <= _GOOD or said <= _BAD) and name & _PLACES:
        return _OTHER[end]
    if said == {"youngest"} and column.kind == "moment":
        return _OTHER[end]
    return end


def is_age(column: Column) -> bool:
    """Whether a column holds ages: the oldest has the most of it, where the oldest of dates is the least."""
    return column.kind == "number" and bool({stem(token) for token in tokens(column.label)} & _AGES)
