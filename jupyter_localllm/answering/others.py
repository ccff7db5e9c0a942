"""What other sources say of what is answered: the same, so that they are cited too, or something else, which is told.

"Something else" is another value of the same kind, a figure for a figure or a name for a name, in a sentence that
speaks of what was asked and of the same subject, in a source that does not say the same elsewhere. Which of the two is
right is not for us to say, nor whether both may be, as of different years: both are told, each with its mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_localllm.cite.agree import carries
from jupyter_localllm.cite.check import check_claim
from jupyter_localllm.cite.compare import Manner, carried, manner_of
from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.facts import Facts, Word, content_words, facts_of
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.statements import Scope, Statement, as_value, statements_of
from jupyter_localllm.cite.units import PERCENT
from jupyter_localllm.cite.words import FILLING
from jupyter_localllm.sources.select import Asked, share_of
from jupyter_localllm.types import Passage

__all__ = ["Claim", "Other", "also", "otherwise", "same_values", "values_of"]

_COVERED = 0.5  # share of the question's information that the other sentence must hold, with the one it goes on from
_OWN = 0.25  # and what of it must stand in itself
_SHARES = frozenset({PERCENT, "‰"})
_FAR = 100  # times larger or smaller: not a number of the same thing


@dataclass(frozen=True)
class Claim:
    """What is answered, to be compared with what others say.

    Parameters
    ----------
    text : str
        A sentence, without marks.
    values : tuple of str
        What in it answers the question.
    source : str
        Where it comes from; other passages of this source are not looked at.
    """

    text: str
    values: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Other:
    """Another source's word.

    Parameters
    ----------
    passage : Passage
    sentence : str
    figures : tuple of str
        What in the sentence stands against the claim's value, as it is written.
    """

    passage: Passage
    sentence: str
    figures: tuple[str, ...]

    @property
    def statement(self) -> str:
        """The sentence as it is told."""
        return f"{self.passage.source}: “{self.sentence.rstrip('.')}”"


def also(claim: Claim, question: str, passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages of other sources that carry the claim as well.

    Examples
    --------
    >>> claim = Claim("Population of Berlin: 3,769,495.", ("3,769,495",), "df")
    >>> notes = Passage("notes", "text", "Berlin has a population of 3,769,495.")
    >>> also(claim, "What is the population of Berlin?", [notes]) == (notes,)
    True
    """
    return tuple(
        passage
        for passage in passages
        if passage.source != claim.source and check_claim(claim.text, [passage], [1], question).status == "supported"
    )


def otherwise(
    claim: Claim, question: str, asked: Asked, passages: Sequence[Passage], agreeing: Sequence[Passage]
) -> tuple[Other, ...]:
    """What other sources say instead, the best sentence of each.

    Parameters
    ----------
    claim : Claim
    question : str
    asked : Asked
        The question, weighed against its sources.
    passages : sequence of Passage
        Of texts; those of the claim's source are left out.
    agreeing : sequence of Passage
        Those that say the same, as `also` tells; their sources are left out.
    """
    best: dict[str, tuple[float, Other]] = {}
    values = [facts_of(value) for value in claim.values]
    subject = _subject(claim, question)
    left_out = {claim.source, *(passage.source for passage in agreeing)}
    for passage in passages:
        if passage.source in left_out:
            continue
        for statement in statements_of([passage]):
            if not _about(subject, statement):
                continue
            share = _share(statement, asked)
            if share < _COVERED or share <= best.get(passage.source, (0.0,))[0]:
                continue
            if figures := _instead(values, claim, facts_of(question), statement):
                best[passage.source] = (share, Other(passage, statement.text, figures))
    return tuple(other for _, other in best.values())


def values_of(text: str, question: str) -> tuple[str, ...]:
    """What in a sentence answers a question: its figures that the question does not hold, or else its names.

    Examples
    --------
    >>> values_of("The bridge was opened in 1932.", "When was the bridge opened?")
    ('1932',)
    """
    facts, asked = facts_of(text), facts_of(question)
    figures = tuple(figure.text for figure in _new(facts, asked))
    said = Scope(question)
    return figures or tuple(word.text for word in content_words(facts) if word.name and not carries(word, said))


def _share(statement: Statement, asked: Asked) -> float:
    """What of the question a sentence holds, the text above it counted where it does not name its subject itself."""
    own = share_of(asked, statement.text)
    return max(own, share_of(asked, f"{statement.around} {statement.text}")) if own >= _OWN else own


def _subject(claim: Claim, question: str) -> list[Word]:
    """The names that the claim and the question share."""
    said, values = Scope(question), Scope(" ".join(claim.values))
    words = content_words(facts_of(claim.text))
    names = [word for word in words if (word.name or word.label or word.figures) and not carries(word, values)]
    return [word for word in names if carries(word, said)]


def _about(subject: Sequence[Word], statement: Statement) -> bool:
    """Whether a sentence is about the subject; one that names nobody is about whom the sentence before it names."""
    if all(carries(word, statement.scope) for word in subject):
        return True
    named = any(word.name or (word.first and word.folded not in FILLING) for word in statement.facts.words)
    return not named and all(carries(word, statement.scope) or carries(word, statement.wider) for word in subject)


def _instead(values: Sequence[Facts], claim: Claim, question: Facts, statement: Statement) -> tuple[str, ...]:
    """What the statement says in the place of the values; nothing if it says one of them, or nothing of the kind."""
    figures = [figure for value in values for figure in value.figures]
    if figures:
        if _agree(figures, claim, statement):
            return ()
        return tuple(figure.text for figure in _new(statement.facts, question) if _alike(figure, figures))
    names = [word for value in values for word in content_words(value)]
    if not names or not all(word.name or word.first for word in names):
        return ()
    if any(carries(word, statement.scope) for word in names):
        return ()
    known = (Scope(question.text), Scope(claim.text))
    new = [word for word in content_words(statement.facts) if not any(carries(word, scope) for scope in known)]
    # who "lives in" or "met" somebody is another matter: nothing but a name may be new
    return tuple(word.text for word in new) if all(word.name for word in new) else ()


def same_values(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether two results are the same, however they are written: 1.5 and 1.50, 2024-01-02 and 2 January 2024.

    Examples
    --------
    >>> same_values(["1.50", "Ann"], ["1.5", "ann"]), same_values(["1.5"], ["1.6"])
    (True, False)
    """
    return len(one) == len(two) and all(map(_same_value, one, two))


def _same_value(one: str, two: str) -> bool:
    if as_value(one) == as_value(two):
        return True
    mine, its = facts_of(one), facts_of(two)
    if not mine.figures or content_words(mine) or content_words(its) or len(mine.figures) != len(its.figures):
        return False
    said = Statement(1, Passage("", "text", two), two, two)
    return all(carried(figure, said, Manner()) == "" for figure in mine.figures)


def _agree(figures: Sequence[Number | Date], claim: Claim, statement: Statement) -> bool:
    """Whether one says the other, rounded perhaps."""
    mine, manner = manner_of(claim.text), manner_of(statement.text)
    values = [Statement(1, statement.passage, claim.text, value, claim.text) for value in claim.values]
    return any(carried(figure, statement, mine) is not None for figure in figures) or any(
        carried(figure, value, manner) is not None for figure in statement.facts.figures for value in values
    )


def _new(facts: Facts, question: Facts) -> Iterator[Number | Date]:
    """Figures that the question does not hold already, as the year it asks about."""
    known = {figure.text for figure in question.figures}
    return (figure for figure in facts.figures if figure.text not in known)


def _alike(figure: Number | Date, figures: Sequence[Number | Date]) -> bool:
    """Whether it could be said in the place of one of the others: a date for a date, the same unit or none."""
    return any(
        _kind(figure) == _kind(other) and _same_unit(figure, other) and _near(figure, other) for other in figures
    )


def _kind(figure: Number | Date) -> str:
    return "time" if isinstance(figure, Date) or figure.year else "number"


def _same_unit(one: Number | Date, two: Number | Date) -> bool:
    units = [figure.unit for figure in (one, two) if isinstance(figure, Number)]
    return len(units) < 2 or units[0] == units[1] or ("" in units and not _SHARES & set(units))


def _near(one: Number | Date, two: Number | Date) -> bool:
    sizes = sorted(abs(figure.value) for figure in (one, two) if isinstance(figure, Number))
    return len(sizes) < 2 or not sizes[0] or sizes[1] <= _FAR * sizes[0]
