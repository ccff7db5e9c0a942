"""Whether a claim speaks of what a passage speaks of: its names and words stand there.

Numbers agree by chance; so a claim is carried only if its words are, too. A word that only the question says is allowed
where nothing else in the sources goes by it, and the passage is about the row that the claim names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jupyter_localllm.cite.facts import Facts, Word, facts_of
from jupyter_localllm.cite.statements import Scope, Statement
from jupyter_localllm.cite.units import unit_named
from jupyter_localllm.cite.words import ABOUT, COMPARING, FILLING, NEGATIONS, NUMBER_WORDS, ORDINAL_WORDS, SCALES

__all__ = ["Agreement", "Ground", "carries", "content_words"]

_ENDINGS = frozenset("|s|es|ed|d|ing|e|en|n|er|ers|em|ern|r|ly|y|ies|al|a|o|os|as|t|te".split("|"))
_ENDINGS_OF_NAMES = frozenset(("", "s", "es"))
_LONG_ENDINGS_OF_NAMES = _ENDINGS_OF_NAMES | {"n", "en"}
_HIRAGANA = re.compile("[\u3040-\u309f]")
_PARTICLES = frozenset(
    "的是有在了和为為与與共约約大于於之其及而且也都将將被把對对从從到等个個位名人座件年月日号号回番以前后後中上下本这這那哪ー・、。，：；「」『』"
)
_HANGUL = re.compile("[\uac00-\ud7a3]")


def content_words(facts: Facts, start: int = 0, end: int = 10**9) -> list[Word]:
    """The words that say something which a passage must carry."""
    found = []
    for word in facts.words:
        silent = word.folded in FILLING or word.folded in ABOUT or word.folded in NEGATIONS or word.folded in SCALES
        single = len(word.folded) == 1 and not word.unspaced and not word.figures
        unit = not word.name and bool(unit_named(word.text)) and len(word.text) < 3
        if start <= word.start < end and not (silent or single or unit):
            found.append(word)
    return found


def carries(word: Word, scope: Scope) -> bool:
    """Whether a word stands in a text, perhaps with another ending.

    Examples
    --------
    >>> word = facts_of("it served").words[1]
    >>> carries(word, Scope("years of serving"))
    True
    """
    folded = word.folded
    if folded in scope.words:
        return True
    if word.unspaced:
        return _covered(folded, scope.folded)
    if word.figures:
        return False
    if (number := ORDINAL_WORDS.get(folded)) is not None:
        return any(f"{number}{ending}" in scope.words for ending in ("", "st", "nd", "rd", "th", "."))
    if _HANGUL.match(folded):
        return any(_begins_alike(folded, other) for other in scope.words)
    if len(folded) == 3:
        return folded + "s" in scope.words
    if len(folded) < 4:
        return False
    if len(folded) == 4 and folded[-1] == "s" and folded[:-1] in scope.words:
        return True
    return any(_inflected(folded, other, word.name and scope.words[other]) for other in scope.begins.get(folded[:4], ()))


def _inflected(one: str, two: str, names: bool) -> bool:
    common = 0
    for mine, its in zip(one, two, strict=False):
        if mine != its:
            break
        common += 1
    endings = (one[common:], two[common:])
    if not names:
        return common >= 4 and all(ending in _ENDINGS for ending in endings)
    allowed = _LONG_ENDINGS_OF_NAMES if common >= 6 else _ENDINGS_OF_NAMES
    return "" in endings and all(ending in allowed for ending in endings)


def _begins_alike(one: str, two: str) -> bool:
    """Korean puts particles behind a word."""
    shorter, longer = sorted((one, two), key=len)
    return len(shorter) >= 2 and longer.startswith(shorter) and len(longer) - len(shorter) <= 3


def _covered(run: str, text: str) -> bool:
    """Whether a run without spaces is made of pieces of the text, of particles, and of single signs."""
    bare = 0
    inside = [False] * len(run)
    for at in range(len(run) - 1):
        if run[at : at + 2] in text:
            inside[at] = inside[at + 1] = True
    for at, sign in enumerate(run):
        free = inside[at] or sign in _PARTICLES or _HIRAGANA.match(sign)
        bare = 0 if free else bare + 1
        if bare >= 2:
            return False
    return any(inside) or len(run) <= 2 or all(sign in _PARTICLES or _HIRAGANA.match(sign) for sign in run)


@dataclass(frozen=True)
class Agreement:
    """Whether the words of a claim are carried.

    Parameters
    ----------
    good : bool
    reason : str
        Which word is not, or which ones come from the question.
    """

    good: bool
    reason: str = ""


class Ground:
    """All that a claim may rest on.

    Parameters
    ----------
    statements : sequence of Statement
    question : str
        The question that is answered; its words may be used in the answer.
    """

    def __init__(self, statements: Sequence[Statement], question: str = "") -> None:
        self.statements = statements
        self.question = Scope(question)
        self._taken: set[str] = set()  # words that name something in the sources
        for passage in {id(s.passage): s.passage for s in statements}.values():
            header = " ; ".join(passage.shown[0]) if passage.shown else ""
            self._taken.update(w.folded for w in facts_of((header + " ; " + " ; ".join(passage.locator.columns)).replace("_", " ")).words)
        for statement in statements:
            if statement.value:
                self._taken.update(word.folded for word in statement.key_facts.words)
            self._taken.update(statement.scope.names())

    def is_name(self, word: Word) -> bool:
        """Whether a word is a name, here or in a source."""
        return word.name or (word.first and any(s.scope.words.get(word.folded) for s in self.statements))

    def agrees(
        self, words: Iterable[Word], claim: Facts, used: Sequence[Statement], allowed: frozenset[str] = frozenset()
    ) -> Agreement:
        """Whether these statements together carry these words of a claim.

        Parameters
        ----------
        words : iterable of Word
            Of the part of the claim that is looked at.
        claim : Facts
            Of the whole claim.
        used : sequence of Statement
        allowed : frozenset of str
            Words that a derivation explains.
        """
        marks = "".join(dict.fromkeys(f"[{statement.number}]" for statement in used))
        asked: list[Word] = []
        for word in words:
            if word.folded in allowed or any(carries(word, statement.scope) for statement in used):
                continue
            if any(word.folded in statement.operations for statement in used):
                continue
            if word.folded in COMPARING:
                return Agreement(False, f"“{word.text}” compares, and {marks} does not say so")
            if any(self._above(word, statement, claim) for statement in used):
                continue
            if word.folded in self._taken or not carries(word, self.question):
                return Agreement(False, f"“{word.text}” is not in {marks}")
            asked.append(word)
        if not self._same_subject(claim, used, bool(asked)):
            return Agreement(False, f"{marks} is about something else")
        said = dict.fromkeys(f"“{word.text}”" for word in asked)
        return Agreement(True, f"{', '.join(said)} as in the question" if said else "")

    def _above(self, word: Word, statement: Statement, claim: Facts) -> bool:
        """Whether a word stands in the text above a sentence that names nobody else."""
        if statement.value or not carries(word, statement.wider):
            return False
        said = {w.folded for w in claim.words}
        return statement.scope.names() - {statement.passage.source.casefold()} <= said | set(NUMBER_WORDS)

    def _same_subject(self, claim: Facts, used: Sequence[Statement], asked: bool) -> bool:
        """Whether the rows that the statements are about are named in the claim, or, if it names none, in the question."""
        said = Scope(" ".join(word.text for word in claim.words))
        for statement in used:
            if not statement.value:
                if asked and not any(word in said.words for word in statement.scope.words if word not in FILLING):
                    return False
                continue
            subject = [word for word in statement.key_facts.words if word.folded in statement.subject]
            if not subject or any(carries(word, said) for word in subject):
                continue
            names = any(word.name for word in claim.words if word.folded not in statement.scope.words)
            if (asked and names) or (self.question.words and not any(carries(word, self.question) for word in subject)):
                return False
        return True

