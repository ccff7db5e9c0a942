# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Whether a claim speaks of what a passage speaks of: its names and words stand there.

Numbers agree by chance; so a claim is carried only if its words are, too. A word that only the question says is allowed
where nothing else in the sources goes by it, and the passage is about the row that the claim names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jupyter_localllm.cite.facts import Facts, Word, content_words, facts_of
from jupyter_localllm.cite.statements import Scope, Statement
from jupyter_localllm.cite.words import COMPARING, FILLING, ORDINAL_WORDS, words

__all__ = ["Agreement", "Ground", "carries", "words_of"]

_ENDINGS = words("s es ed d ing e en n er ers em ern r ly y ies al a o os as t te") | {""}
_CASES = words("а у е ом ы и я ю ой ов ах ами ь ей ию ии")  # of Russian
_ENDINGS_OF_NAMES = _CASES | {"", "s", "es"}
_LONG_ENDINGS_OF_NAMES = _ENDINGS_OF_NAMES | {"n", "en"}
_HIRAGANA = re.compile("[\u3040-\u309f]")
_PARTICLES = frozenset(
    "的是有在了和为為与與共约約大于於之其及而且也都将將被把對对从從到等个個位名人座件年月日号号回番以前后後中上下本这這那哪ー・、。，：；「」『』"
)
_HANGUL = re.compile("[\uac00-\ud7a3]")


def carries(word: Word, scope: Scope) -> bool:
    """Whether a word stands in a text, perhaps with another ending.

    Examples
    --------
    >>> word = facts_of("it served").words[1]
    >>> carries(word, Scope("years of serving"))
    True
    """
    folded = word.folded
    if word.label:
        return bool(re.search(rf"(?<!\w){re.escape(folded)}(?!\w)", scope.folded))
    if folded in scope.words:
        return True
    if word.unspaced:
        return _covered(folded, scope.folded)
    return not word.figures and _in_another_form(word, scope)


def _in_another_form(word: Word, scope: Scope) -> bool:
    folded = word.folded
    if (number := ORDINAL_WORDS.get(folded)) is not None:
        return any(f"{number}{ending}" in scope.words for ending in ("", "st", "nd", "rd", "th", "."))
    if _HANGUL.match(folded):
        return any(_begins_alike(folded, other) for other in scope.words)
    if len(folded) == 3 and folded + "s" in scope.words:
        return True
    if len(folded) == 4 and folded[-1] == "s" and folded[:-1] in scope.words:
        return True
    alike = scope.begins.get(folded[:4], ()) if len(folded) >= 4 else ()
    return any(_inflected(folded, other, word.name and scope.words[other]) for other in alike)


@lru_cache(maxsize=4096)
def words_of(name: str) -> frozenset[str]:
    """The words of the name of a column or row."""
    return frozenset(word.folded for word in content_words(facts_of(name)) if len(word.folded) > 1 or word.unspaced)


def _stands_in(name: str, text: str) -> bool:
    """Whether a column is named letter by letter."""
    return name in text and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def _beside(word: Word, other: Word) -> bool:
    """Whether two names stand side by side, so that they may be one."""
    return word.name and other.name and (word.start - other.end == 1 or other.start - word.end == 1)


def _inflected(one: str, two: str, names: bool) -> bool:
    common = 0
    for mine, its in zip(one, two, strict=False):
        if mine != its:
            break
        common += 1
    endings = (one[common:], two[common:])
    if not names:
        return common >= 4 and all(ending in _ENDINGS or ending in _CASES for ending in endings)
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
        self._headers: set[str] = set()
        for passage in {id(s.passage): s.passage for s in statements}.values():
            self._headers.update((*(passage.shown[0] if passage.shown else ()), *passage.locator.columns))
        self._headers = {name.replace("_", " ") for name in self._headers} | {s.column for s in statements}
        self._taken.update(word.folded for name in self._headers for word in facts_of(name).words)
        self._columns = [words for name in self._headers if (words := words_of(name))]
        self._rows = [words for name in {s.label for s in statements} if (words := words_of(name))]
        for statement in statements:
            if statement.value:
                self._taken.update(word.folded for word in statement.key_facts.words)
            self._taken.update(statement.scope.names())

    def is_name(self, word: Word) -> bool:
        """Whether a word is a name, here or in a source."""
        return word.name or (word.first and any(s.scope.words.get(word.folded) for s in self.statements))

    def speaks_of(self, words: Iterable[Word]) -> bool:
        """Whether some of the words name something in the sources, or compare."""
        return any(word.folded in self._taken or word.folded in COMPARING for word in words)

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
            if word.label or word.figures or word.folded in self._taken or not carries(word, self.question):
                return Agreement(False, f"“{word.text}” is not in {marks}")
            asked.append(word)
        others = [statement for statement in self.statements if statement not in used]
        if len(asked) > 1 and any(all(carries(word, other.scope) for word in asked) for other in others):
            return Agreement(False, f"“{asked[0].text}” is not in {marks}")  # another statement speaks of it
        if not self._same_subject(claim, used, asked):
            return Agreement(False, f"{marks} is about something else")
        if any(self._means_another(claim, statement) for statement in used):
            return Agreement(False, f"{marks} is about something that is called alike")
        said = dict.fromkeys(f"“{word.text}”" for word in asked)
        return Agreement(True, f"{', '.join(said)} as in the question" if said else "")

    def _means_another(self, claim: Facts, statement: Statement) -> bool:
        """Whether the claim names another column or row, whose name is a part of this one's: "Caps" of "Total caps"."""
        if not statement.value:
            return False
        said = {word.folded for word in claim.words}
        for others, name in ((self._columns, statement.column), (self._rows, statement.label)):
            own = words_of(name)
            if any(other < own and other <= said and not (own - other) & said for other in others):
                return True
        if not statement.column or statement.column in claim.text:
            return False
        headers = (name for name in self._headers if len(name) > 1 or not name.isalnum())
        return any(name not in statement.text and _stands_in(name, claim.text) for name in headers if name.strip())

    def _above(self, word: Word, statement: Statement, claim: Facts) -> bool:
        """Whether a word stands in the text above a sentence that names nobody else."""
        if statement.value or statement.cells or not carries(word, statement.wider):
            return False
        said = {w.folded for w in claim.words}
        names = {w.folded for w in claim.words if w.name or w.first}
        return bool(claim.numbers or claim.dates) and statement.leading <= said and not names & statement.scope.names()

    def _same_subject(self, claim: Facts, used: Sequence[Statement], asked: Sequence[Word]) -> bool:
        """Whether the rows that the statements are about are named in the claim, or else in the question.

        A name that only the question says could be another row's: then the claim must name this row in full.
        """
        said = Scope(" ".join(word.text for word in claim.words))
        return all(self._is_about(claim, said, statement, asked) for statement in used)

    def _is_about(self, claim: Facts, said: Scope, statement: Statement, asked: Sequence[Word]) -> bool:
        if not statement.value and not statement.cells:
            return not asked or any(word in said.words for word in statement.scope.words if word not in FILLING)
        subject = statement.subject
        there = [word for word in subject if carries(word, said)]
        if asked and not self._may_ask(claim, statement, asked, len(there) == len(subject)):
            return False
        if asked and any(not (word.name or word.first) for word in subject if word not in there):
            return False
        if not subject or there:
            return True
        foreign = any(word.name for word in claim.words if word.folded not in statement.scope.words)
        return not (asked and foreign) and (
            not self.question.words or any(carries(word, self.question) for word in subject)
        )

    def _may_ask(self, claim: Facts, statement: Statement, asked: Sequence[Word], whole: bool) -> bool:
        """Whether names that only the question says may be meant for what the statement says."""
        own = {word.folded for word in statement.subject}
        if any(_beside(word, mine) for word in asked for mine in claim.words if mine.folded in own):
            return False  # "North Carolina State" is another one than "North Carolina"
        if not any(word.name or word.first or word.text.lower() == word.text.upper() for word in asked):
            return True
        value = {word.folded for word in statement.facts.words} if statement.value else set()
        return whole and not statement.cells and not own <= value
