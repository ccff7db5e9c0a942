"""How a question is read: the best computation over all tables, what came out, and how certain the reading is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jupyter_localllm.compute.candidates import Candidate, candidates
from jupyter_localllm.compute.links import link_columns
from jupyter_localllm.compute.question import Question, bits
from jupyter_localllm.compute.run import Outcome, run
from jupyter_localllm.sources.tokens import stem, tokens, unspaced

if TYPE_CHECKING:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
    from jupyter_localllm.sources.table import Column

__all__ = ["CERTAIN", "Reading", "read"]

CERTAIN = 0.55
"""A reading less certain than this is not taken for the answer."""

_SEVERAL = ("sum", "mean", "median", "difference", "group")
_WITH = ("with min", "with max")
_SUPERLATIVES = ("min", "max", "with min", "with max", "most", "least")
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
_TRIED = 32  # candidates that are run
_EACH = 4  # of each table at least
_TRIVIAL = 0.5  # the number of rows of somebody who has one: a number of his is meant
_WHEN = frozenset({"when", "wann", "quand", "cuando", "quando"})
_NO_TIME = 0.4  # "when" answered with something else
_NO_PERSON = 0.4  # "who" answered with a number or a date
_AGES = frozenset({"oldest", "youngest", "newest", "earliest", "latest", "recent", "alteste", "neueste", "jungste"})
_NEAR = 0.05
_TIE = 0.15  # several rows where the first or the most is asked for
_KEPT = 5


@dataclass(frozen=True)
class Reading:
    """A question read as a computation.

    Parameters
    ----------
    source : FrameSnapshot
        The table.
    candidate : Candidate
    outcome : Outcome
    certainty : float
        0 to 1; see `read`.
    score : float
        What speaks for it, its result considered.
    named : bool
        Whether the question names the table.
    """

    source: FrameSnapshot
    candidate: Candidate
    outcome: Outcome
    certainty: float = 0.0
    score: float = 0.0
    named: bool = False

    @property
    def words(self) -> str:
        """How the question was read."""
        return self.candidate.operation.words(self.source.table)

    def meant_as(self, other: Reading) -> bool:
        """Whether another table was asked the same; what it says may differ, how the question is meant does not."""
        return self.source is not other.source and self.named == other.named and self.words == other.words

    @property
    def code(self) -> str:
        """The operation as people write it down."""
        return self.candidate.operation.code(self.source.table)


def read(question: str, sources: Sequence[FrameSnapshot], tell: Callable[[str], None] | None = None) -> list[Reading]:
    """Read a question over some tables.

    Parameters
    ----------
    question : str
    sources : sequence of FrameSnapshot
    tell : callable, optional
        Called with what is being done; what it raises ends the reading.

    Returns
    -------
    list of Reading
        The best one first, each with another result. Empty if nothing in the question points at a table.
    """
    asked = Question.of(question)
    tell = tell or _silent
    readings: list[Reading] = []
    empty: list[Candidate] = []
    for source, candidate, named in _tried(asked, sources, tell):
        tell(f"computing over {source.name}")
        outcome = run(candidate.operation, source.table, source.values)
        if outcome is None:
            empty.append(candidate)
        else:
            reading = Reading(source, candidate, outcome, named=named)
            readings.append(replace(reading, score=candidate.score - _odd(asked, reading)))
    readings.sort(key=lambda reading: -reading.score)  # equal ones stay in their order
    different: dict[tuple[str, tuple[str, ...]], Reading] = {}
    for reading in readings:
        different.setdefault((reading.source.name, reading.outcome.texts), reading)
    every = list(different.values())
    best = every[:_KEPT] + [rival for rival in every[_KEPT:] if every[0].meant_as(rival)]
    rated = [_with_certainty(asked, reading, best) for reading in best]
    return [_less_than_missing(reading, empty) for reading in rated]


def _tried(
    asked: Question, sources: Sequence[FrameSnapshot], tell: Callable[[str], None]
) -> Iterator[tuple[FrameSnapshot, Candidate, bool]]:
    """The candidates that are run, the best ones first, and a few of every table; whether the question names it."""
    found: list[tuple[Candidate, FrameSnapshot, bool, bool]] = []
    for source in sources:
        tell(f"reading the question over {source.name} ({source.size})")
        if not source.table.rows:
            continue
        name = _name_of(asked, source)
        over = asked.over(column.label for column in source.table.columns)
        for place, one in enumerate(candidates(over, source.table, source.values)[:_TRIED]):
            explained = replace(one, mask=one.mask | name, score=one.score + asked.weight(name & ~one.mask))
            found.append((explained, source, bool(name), place < _EACH))
    found.sort(key=lambda one: -one[0].score)
    for place, (candidate, source, named, first) in enumerate(found):
        if place < _TRIED or first:
            yield source, candidate, named


def _name_of(asked: Question, source: FrameSnapshot) -> int:
    """The words of the question that are the table's name, all of it, and no column's."""
    wanted = {stem(token) for token in tokens(source.name)}
    columns = 0
    for link in link_columns(asked, source.table):
        columns |= link.mask
    places = [p for p, word in enumerate(asked.stems) if word in wanted and not columns >> p & 1]
    whole = wanted <= {asked.stems[place] for place in places}
    return bits((place, place + 1) for place in places) if wanted and whole else 0


def _less_than_missing(reading: Reading, empty: Sequence[Candidate]) -> Reading:
    """A reading that stands behind one whose cell is empty is not certain: the empty one was meant, perhaps."""
    conditions = reading.candidate.operation.conditions
    missing = any(
        other.operation.conditions == conditions and conditions and other.score > reading.score for other in empty
    )
    return replace(reading, certainty=reading.certainty * 0.5) if missing else reading


def _silent(words: str) -> None:
    """Nobody watches."""


def _odd(question: Question, reading: Reading) -> float:
    """What speaks against a reading once its result is known."""
    operation, outcome, table = reading.candidate.operation, reading.outcome, reading.source.table
    odd = 0.0
    if operation.function == "count" and outcome.n == 1 and operation.conditions:
        named = [c.column for c in operation.conditions if c.comparison == "=="]
        odd += _TRIVIAL if any(table.columns[place].distinct > 0.9 * table.rows for place in named) else 0.0
    answer = _answer(reading)
    if answer is not None:
        odd += _NO_PERSON if question.named("person") and answer.kind != "text" else 0.0
    odd += _NO_TIME if _untimely(question, reading) else 0.0
    odd += _TIE if _tied(reading) else 0.0
    if operation.function in ("with min", "with max") and operation.column is None and _AGES & set(question.words):
        odd += _TRIVIAL  # the oldest is not the first row of any table
    return odd


def _answer(reading: Reading) -> Column | None:
    """The column of which something is told."""
    operation = reading.candidate.operation
    place = operation.column if operation.target is None else operation.target
    return None if place is None else reading.source.table.columns[place]


def _untimely(question: Question, reading: Reading) -> bool:
    """Whether "when" is answered with something else."""
    answer = _answer(reading) if reading.candidate.operation.function in _SUPERLATIVES else None
    return answer is not None and not answer.timed and bool(_WHEN & set(question.words[:1]))


def _tied(reading: Reading) -> bool:
    return len(reading.outcome.texts) > 1 and reading.candidate.operation.function in ("with min", "with max")


def _with_certainty(question: Question, reading: Reading, all_of_them: Sequence[Reading]) -> Reading:
    """How certain a reading is: less for each word that it leaves unexplained, each guess, and a close second.

    The factors are judgement, not fitted; what they are worth is measured in ``benchmarks/cited.py``.
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
    return replace(reading, certainty=certainty if margin >= 0 else 0.0)


def _compared_otherwise(one: Reading, other: Reading) -> bool:
    """Whether of the same rows another most or least may be meant as well: nobody can say which.

    That one of them has a tie does not tell which.
    """
    operations = one.candidate.operation, other.candidate.operation
    same_rows = operations[0].conditions == operations[1].conditions
    both = same_rows and all(operation.function in _SUPERLATIVES for operation in operations)
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
    if word[0].isdigit() or word in _ORDINALS:
        return 0.4  # a number in a question always says something
    if _script(word) not in scripts or _script(word) == "wide":
        return 0.97 if _script(word) not in scripts else 0.93  # the language around names; one character of many
    if any(start <= place < stop for start, stop in _applied(question)):
        return 0.5 if _most(question) >> place & 1 else 0.65  # something was to be done that this reading does not do
    lower = question.written[place].islower()
    if not operation.conditions and operation.function != "get" and (place or not lower):
        return 0.55  # all rows, and a word that may have asked for some of them
    known = question.known or not lower  # else perhaps a function word of a language that is not known here
    beside = question.beside(place, candidate.mask)  # perhaps a part of a name that was found in part
    if lower and not candidate.guessed:  # all that the reading uses is named in full: the rest may be talk
        return 0.78 if beside and known else 0.93
    return 0.93 if not known else 0.65 if beside else 0.8


def _most(question: Question) -> int:
    return question.named("max") | question.named("min")


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
