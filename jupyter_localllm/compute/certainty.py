"""How certain a reading of a question is: what speaks against it once its result and its rivals are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.compute.doubts import SUPERLATIVES, doubtful, limits, says_more
from jupyter_localllm.compute.question import Question, bits
from jupyter_localllm.sources.tokens import tokens, unspaced

if TYPE_CHECKING:
    from jupyter_localllm.compute.candidates import Candidate
    from jupyter_localllm.compute.reading import Reading
    from jupyter_localllm.sources.table import Column

__all__ = ["certainty_of", "odd"]

_SEVERAL = ("sum", "mean", "median", "difference", "group")
_WITH = ("with min", "with max")
_ORDINALS = frozenset(
    {
        *("second", "third", "fourth", "fifth", "sixth", "tenth", "double", "twice", "half", "triple", "two", "three"),
        *("four", "five", "six", "seven", "eight", "nine", "ten", "zweite", "zweiten", "dritte", "deuxieme", "segundo"),
        *("segunda", "tercero", "secondo", "seconda", "terzo", "tweede", "derde", "drugi", "drugie"),
    }
)
_APPLIED = (
    "count",
    "sum",
    "mean",
    "median",
    "max",
    "min",
    "first",
    "last",
    "difference",
    "distinct",
    "group",
)
_TRIVIAL = 0.5  # the number of rows of somebody who has one: a number of his is meant
_WHEN = frozenset({"when", "wann", "quand", "cuando", "quando"})
_NO_TIME = 0.4  # "when" answered with something else
_NO_PERSON = 0.4  # "who" answered with a number or a date
_AGES = frozenset({"oldest", "youngest", "newest", "earliest", "latest", "recent", "alteste", "neueste", "jungste"})
_PEOPLE = frozenset({"name", "names", "person", "nom", "nombre", "nome"})  # columns that answer "who" by themselves
_NEAR = 0.05  # of two scores, between which nobody can choose
_TIE = 0.15  # several rows where the first or the most is asked for


def odd(question: Question, reading: Reading) -> float:
    """What speaks against a reading once its result is known."""
    operation, outcome, table = reading.candidate.operation, reading.outcome, reading.source.table
    against = 0.0
    if operation.function == "count" and outcome.n == 1 and operation.conditions:
        named = [c.column for c in operation.conditions if c.comparison == "=="]
        against += _TRIVIAL if any(table.columns[place].distinct > 0.9 * table.rows for place in named) else 0.0
    answer = _answer(reading)
    if answer is not None:
        against += _NO_PERSON if question.named("person") and answer.kind != "text" else 0.0
    against += _NO_TIME if _untimely(question, reading) else 0.0
    against += _TIE if _tied(reading) else 0.0
    if operation.function in _WITH and operation.column is None and _AGES & set(question.words):
        against += _TRIVIAL  # the oldest is not the first row of any table
    return against


def _answer(reading: Reading) -> Column | None:
    """The column of which something is told."""
    operation = reading.candidate.operation
    place = operation.column if operation.target is None else operation.target
    return None if place is None else reading.source.table.columns[place]


def _untimely(question: Question, reading: Reading) -> bool:
    """Whether "when" is answered with something else."""
    answer = _answer(reading) if reading.candidate.operation.function in SUPERLATIVES else None
    return answer is not None and not answer.timed and bool(_WHEN & set(question.words[:1]))


def _some_person(question: Question, reading: Reading) -> bool:
    """Whether "who" is answered with one of several columns of texts, and none was named: the ship, or its captain."""
    texts = [column for column in reading.source.table.columns if column.kind == "text"]
    answer = _answer(reading)
    called = answer is not None and not _PEOPLE.isdisjoint(tokens(answer.label))
    return bool(reading.candidate.guessed and question.named("person")) and len(texts) > 1 and not called


def _tied(reading: Reading) -> bool:
    return len(reading.outcome.texts) > 1 and reading.candidate.operation.function in _WITH


def certainty_of(question: Question, reading: Reading, all_of_them: Sequence[Reading]) -> float:
    """How certain a reading is: less for each word that it leaves unexplained, each guess, and a close second.

    The factors are judgement, not fitted; what they are worth is measured in ``benchmarks/cited``.
    """
    candidate = reading.candidate
    different = (other for other in all_of_them if other.outcome.texts != reading.outcome.texts)
    others = [other for other in different if not reading.meant_as(other)]
    margin = reading.score - max((other.score for other in others), default=reading.score - 1.0)
    certainty = 0.6**candidate.guessed * 0.8**question.left
    unsaid = ~candidate.mask
    certainty *= 0.5 if question.named("not") & unsaid else 1.0  # no operation here leaves out what is named
    for name in _SEVERAL:
        named = question.named(name)
        if named and named & unsaid == named and not (name == "sum" and candidate.operation.function == "count"):
            certainty *= 0.65  # "the highest total" is not the highest
    certainty *= 0.6 if candidate.score - reading.score >= _TRIVIAL else 1.0
    scripts = {_script(word) for place, word in enumerate(question.words) if candidate.mask >> place & 1}
    for place in question.unexplained_places(candidate.mask):
        certainty *= _doubt(question, candidate, place, scripts)
    if any(_compared_otherwise(reading, other) for other in others):
        certainty *= 0.5
    elif margin < 0.2:
        certainty *= 0.85 if margin >= 0.05 else 0.55
    if reading.candidate.operation.function in _WITH and _counted(question, candidate) and not _number(reading):
        certainty *= 0.5  # "how many sensors have the highest …" asks for no names
    certainty *= 0.5 if _untimely(question, reading) else 1.0
    certainty *= 0.5 if doubtful(question, reading) else 1.0
    certainty *= 0.85 if _some_person(question, reading) else 1.0
    return certainty if margin >= 0 else 0.0


def _compared_otherwise(one: Reading, other: Reading) -> bool:
    """Whether of the same rows another most or least may be meant as well: nobody can say which.

    That one of them has a tie does not tell which.
    """
    operations = one.candidate.operation, other.candidate.operation
    same_rows = operations[0].conditions == operations[1].conditions
    both = same_rows and all(operation.function in SUPERLATIVES for operation in operations)
    scores = [each.score + (_TIE if _tied(each) else 0.0) for each in (one, other)]
    return both and min(scores[0] - scores[1], one.score - other.score) < _NEAR


def _counted(question: Question, candidate: Candidate) -> bool:
    asked = [span for span in question.operations.get("count", ()) if span[0] == 0]
    return bool(asked) and not bits(asked) & candidate.mask


def _number(reading: Reading) -> bool:
    answer = _answer(reading)
    return answer is not None and answer.kind == "number"


def _doubt(question: Question, candidate: Candidate, place: int, scripts: set[str]) -> float:
    """What a word that was not explained leaves of the certainty."""
    word, operation = question.words[place], candidate.operation
    if word[0].isdigit() or word in _ORDINALS or says_more(question, place):
        return 0.4  # a number in a question always says something
    if _script(word) not in scripts or _script(word) == "wide":
        return 0.97 if _script(word) not in scripts else 0.93  # the language around names; one character of many
    if any(start <= place < stop for start, stop in _applied(question)):
        return 0.5 if _most(question) >> place & 1 else 0.65  # something was to be done that this reading does not do
    lower = question.written[place].islower()
    if not operation.conditions and operation.function != "get" and (place or not lower):
        # all rows, and a word that may have asked for some of them; "this week", "at noon" surely has
        return 0.5 if limits(question, place) else 0.55
    known = question.known or not lower  # else perhaps a function word of a language that is not known here
    beside = question.beside(place, candidate.mask)  # perhaps a part of a name that was found in part
    if lower and not candidate.guessed:  # all that the reading uses is named in full: the rest may be talk
        return 0.78 if beside and known else 0.93
    return 0.93 if not known else 0.65 if beside else 0.8


def _most(question: Question) -> int:
    return question.named("max", "min")


def _applied(question: Question) -> list[tuple[int, int]]:
    """Words that name something to be done; "under" by itself does so only beside a number."""
    spans = [span for name in _APPLIED for span in question.operations.get(name, ())]
    compared = [span for name in ("above", "below") for span in question.operations.get(name, ())]
    return spans + [span for span in compared if span[1] - span[0] > 1 or question.numbers()]


def _script(word: str) -> str:
    letter = word[0]
    if letter.isascii() or "\u00c0" <= letter <= "\u024f":
        return "latin"
    return "wide" if unspaced(letter) else letter.encode("unicode_escape").decode()[:4]
