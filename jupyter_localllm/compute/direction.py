"""Which end of a column a superlative means: "fastest" is the most of a speed and the least of a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from jupyter_localllm.sources.tokens import stem, stems

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column

__all__ = ["End", "end_of", "is_age", "judged", "unclear"]

End = Literal["max", "min"]

_FAST = frozenset({"fastest", "quickest", "schnellste", "schnellsten"})
_SLOW = frozenset({"slowest"})
_GOOD = frozenset({"best", "top", "beste", "besten", "meilleur", "meilleure", "mejor", "migliore", "melhor"})
_BAD = frozenset({"worst"})
_TIMES = frozenset(
    map(
        stem,
        (
            *("time", "duration", "second", "minute", "hour", "lap", "latency", "delay", "runtime", "ping"),
            *("zeit", "dauer", "temps", "tiempo", "tempo"),
        ),
    )
)
_PLACES = frozenset({"rank", "ranking", "place", "placing", "position", "po", "rang", "platz", "puesto", "posizione"})
_AGES = frozenset({"age", "alter", "edad", "eta", "idade", "leeftijd", "wiek", "alder"})
_LESS = frozenset(  # of which less is better
    map(
        stem,
        (
            *("error", "loss", "losses", "cost", "lag", "debt", "penalty", "fault", "defect"),
            *("failure", "complaint", "waste", "risk", "fehler", "verlust", "kosten", "erreur", "perte", "cout"),
            *("perdida", "coste", "errore", "perdita", "costo", "erro", "perda", "custo"),
        ),
    )
)
_EITHER = frozenset(  # which is good for one and bad for another
    map(
        stem,
        (
            *("price", "fee", "rent", "rate", "tax", "age", "temperature", "temp", "weight", "size"),
            *("duration", "dauer", "second", "minute", "hour"),
            *("preis", "miete", "prix", "loyer", "precio", "prezzo", "preco", "alter", "edad"),
        ),
    )
)
_SPEEDS = frozenset(
    map(
        stem,
        (
            *("speed", "velocity", "throughput", "growth", "wind", "mph", "km/h", "kmh", "km", "kph", "knots", "rate"),
            *("frequency", "hz", "rpm", "tempo", "geschwindigkeit", "vitesse", "velocidad", "velocidade", "velocita"),
        ),
    )
)
_LONG = frozenset({"longest", "shortest", "langste", "langsten", "kurzeste", "kurzesten"})
_KINDS = frozenset(
    {
        *("warmest", "hottest", "coldest", "tallest", "heaviest", "lightest", "widest", "deepest", "strongest"),
        *("weakest", "richest", "poorest", "cheapest", "nearest", "youngest", "oldest"),
    }
)
_DEPTHS = frozenset(map(stem, ("depth", "deep", "deepness", "tiefe", "profondeur", "profundidad", "profondita")))
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
        end_of(frozenset({"best"}), "max", error) == "min"
        end_of(frozenset({"fastest"}), "min", speed) == "max"
    """
    name, timed = stems(column.label), _timed(column)
    if said and said <= _FAST:
        return "min" if timed else "max"
    if said and said <= _SLOW:
        return "max" if timed else "min"
    if said and (said <= _GOOD or said <= _BAD) and (name & _PLACES or (_judging(said) and (timed or name & _LESS))):
        return _OTHER[end]
    if said == {"youngest"} and column.kind == "moment":
        return _OTHER[end]
    return end


def unclear(said: frozenset[str], column: Column) -> bool:
    """Whether nobody can say which end of a column is meant, or whether the words are said of such a column at all.

    The best price is low for who buys; the quickest car's price is no quick price; nothing is long about a year.
    """
    if said and said <= _FAST | _SLOW:
        return not (_timed(column) or stems(column.label) & _SPEEDS)
    if said == {"deepest"}:
        return _DEPTHS.isdisjoint(stems(column.label))  # the deepest low is the least
    if _judging(said):
        return bool(stems(column.label) & _EITHER and not stems(column.label) & (_PLACES | _LESS))
    return column.years and bool(said & _LONG) and not _timed(column)


def judged(said: frozenset[str]) -> bool:
    """Whether words say how good, fast or warm something is: nothing that comes often is meant."""
    return bool(said) and said <= _FAST | _SLOW | _GOOD | _BAD | _LONG | _KINDS


def _judging(said: frozenset[str]) -> bool:
    return bool(said) and (said <= _GOOD - {"top"} or said <= _BAD)


def _timed(column: Column) -> bool:
    return column.clock or not _TIMES.isdisjoint(stems(column.label))


def is_age(column: Column) -> bool:
    """Whether a column holds ages: the oldest has the most of it, where the oldest of dates is the least."""
    return column.kind == "number" and bool(stems(column.label) & _AGES)
