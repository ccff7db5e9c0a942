"""Words that turn a statement around or make it uncertain: what was denied, planned or nearly done was not done.

A claim that leaves such a word out, or puts one in, says something else than the passage, though all its other words
stand there. Which words these are is a list, see `jupyter_localllm.cite.turn_words`; no more is read than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jupyter_localllm.cite.agree import carries
from jupyter_localllm.cite.clauses import clauses_of
from jupyter_localllm.cite.facts import Facts, Word, facts_of
from jupyter_localllm.cite.statements import Scope
from jupyter_localllm.cite.turn_words import COMPLEMENTS, EVEN, FALSE_FRIENDS, PHRASES, TURNS
from jupyter_localllm.cite.words import ABOUT
from jupyter_localllm.cite.words import words as listed

__all__ = ["turned", "turns_of"]

_INFINITIVE = "zu"  # before the last word, in German
_LONGEST = 3  # words of a phrase
_ASIDE = 2  # characters between "nearly" and its figure
_ADVISED = "should"
_IF = "if"
_INVERTED = listed("had were")  # first of a sentence: "Had he come, …"
_OPEN = (_IF, "would")  # an answer may take them over from its question
_HAVE = listed("have has haben avoir haber")
_LATER = listed("later go eventually soon often")  # "would later become": it came about
_PLACED = listed("the a an its his her their it this that")  # "is to the north of"


def turns_of(facts: Facts) -> dict[str, str]:
    """What turns a sentence around: the kinds of `TURNS`, each with the word as it is written.

    Examples
    --------
    >>> turns_of(facts_of("Smith denied the charge."))
    {'denied': 'denied'}
    """
    words = facts.words
    folded = [word.folded for word in words]
    every = frozenset(folded)
    found: dict[str, str] = {}
    for at in range(len(words)):
        for size in range(1, _LONGEST + 1):
            phrase = " ".join(folded[at : at + size])
            for kind in _kinds().get(phrase, ()):
                meant = every.isdisjoint(FALSE_FRIENDS.get(phrase, ()))
                if meant and not _means_nothing(kind, facts, at, at + size):
                    found.setdefault(kind, " ".join(word.text for word in words[at : at + size]))
    if words and words[0].first and folded[0] in _INVERTED:
        found.setdefault(_IF, words[0].text)
    return found


def _means_nothing(kind: str, facts: Facts, start: int, end: int) -> bool:
    """Whether words that are listed turn nothing here: "nearly 40", "even if", "would later", "is to the north"."""
    words = facts.words
    following = words[end].folded if end < len(words) else ""
    if kind == "nearly" and words[start].folded in ABOUT:
        place = words[end - 1].end
        return any(0 <= figure.start - place <= _ASIDE for figure in facts.figures)
    if kind == _IF:
        return start > 0 and words[start - 1].folded in EVEN
    if kind == "would":
        return following in _LATER
    if kind == "planned" and end - start > 1:
        return following in _PLACED
    return False


def turned(text: str, words: Sequence[Word], claim: Facts, question: Facts) -> str:
    """What turns a sentence around and not a claim that it would carry, or the other way round; ``""`` for nothing.

    Parameters
    ----------
    text : str
        The sentence.
    words : sequence of Word
        Of the claim, those that the sentence must carry.
    claim : Facts
        Of all of the claim.
    question : Facts
        Who is asked who denied something need not say "denied".

    Examples
    --------
    >>> told = facts_of("Smith stole the car.")
    >>> turned("Smith denied that he stole the car.", told.words, told, facts_of(""))
    'denied'
    """
    said, there, asked = turns_of(claim), turns_of(facts_of(text)), turns_of(question)
    may_add = {kind for kind in _OPEN if kind in asked} | ({_ADVISED} if _advises(claim) else set())
    added = next((word for kind, word in said.items() if kind not in there and kind not in may_add), "")
    if added or not there:
        return added
    left_out = {kind: word for kind, word in _of_clauses(text, words).items() if kind not in said and kind not in asked}
    return next(iter(left_out.values()), "")


def _of_clauses(text: str, words: Sequence[Word]) -> dict[str, str]:
    """What turns the parts of a sentence that carry some of these words around."""
    clauses = clauses_of(text)
    spoken = [word for word in words if not (word.name or word.first)] or words
    found: dict[str, str] = {}
    before: dict[str, str] = {}
    condition: dict[str, str] = {}  # "If it rains, the fair is in the hall": of the part behind it, too
    for clause in clauses:
        inside = facts_of(clause)
        own = turns_of(inside)
        scope = Scope(clause)
        said_of = before | own if _goes_on(inside.words) else own
        if condition:
            said_of = said_of | condition
        if len(clauses) == 1 or any(carries(word, scope) for word in spoken):
            found |= said_of
        elif "except" in own and any(carries(word, scope) for word in words):
            found["except"] = own["except"]
        before = before | own
        leads = inside.words[:1] and own.get(_IF) == inside.words[0].text
        condition = {_IF: own[_IF]} if leads else {}
    return found


def _goes_on(words: Sequence[Word]) -> bool:
    """Whether a part of a sentence is what the part before it speaks of: "that he …", and "… zu retten"."""
    first, last = words[:1], words[-2:-1]
    return any(word.folded in COMPLEMENTS for word in first) or any(word.folded == _INFINITIVE for word in last)


def _advises(claim: Facts) -> bool:
    """Whether a claim puts a rule as advice ("You should water it"), and not what should have been."""
    return not any(word.folded in _HAVE for word in claim.words)


@cache
def _kinds() -> dict[str, tuple[str, ...]]:
    """The kinds that each word or phrase is of."""
    found: dict[str, tuple[str, ...]] = {}
    for kind, each in TURNS.items():
        together = (" ".join(phrase.split()) for phrase in PHRASES.get(kind, "").split("|") if phrase.strip())
        for phrase in (*sorted(each), *together):
            found[phrase] = (*found.get(phrase, ()), kind)
    return found
