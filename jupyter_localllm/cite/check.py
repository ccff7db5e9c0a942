# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Whether what a sentence says is carried by the passages it cites; if not, which ones carry it.

Each number, date and name is looked up, and its words with it: a number alone agrees by chance. What is not certain is
unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.cite.agree import carries
from jupyter_localllm.cite.compare import Manner, carried, manner_of
from jupyter_localllm.cite.facts import Facts, content_words, facts_of, without_labels
from jupyter_localllm.cite.figures import Figures
from jupyter_localllm.cite.found import NOWHERE, Found, Lookup
from jupyter_localllm.cite.statements import Statement, as_value
from jupyter_localllm.types import CitationStatus, Passage

__all__ = ["Checker", "Verdict", "check_claim"]

_BARE = 60  # characters of the longest claim that may be a value and nothing else
_LONGEST = 8000  # characters; twice what the splitter gives out


@dataclass(frozen=True)
class Verdict:
    """What was found about a claim.

    Parameters
    ----------
    status : {"supported", "unsupported", "unchecked"}
    numbers : tuple of int
        The passages that carry it, those that were cited first.
    reason : str
        In words for people; empty where the passage says just so.
    conflicts : tuple of int
        Passages that say another value of the same thing.
    """

    status: CitationStatus
    numbers: tuple[int, ...] = ()
    reason: str = ""
    conflicts: tuple[int, ...] = ()


def check_claim(sentence: str, passages: Sequence[Passage], cited: Sequence[int] = (), context: str = "") -> Verdict:
    """Look up what a sentence says.

    Parameters
    ----------
    sentence : str
        Without marks.
    passages : sequence of Passage
        Number ``n`` is ``passages[n - 1]``.
    cited : sequence of int
        The passages that it cites; numbers that do not exist are left out.
    context : str
        The question that it answers.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> passages = [Passage("df", "cell", "Population of Berlin: 3,769,495", value="3,769,495")]
    >>> check_claim("The population of Berlin is about 3.8 million.", passages, [1])
    Verdict(status='supported', numbers=(1,), reason='3.8 million is 3,769,495, rounded', conflicts=())
    >>> check_claim("The population of Paris is 3,769,495.", passages, [1]).reason
    '“Paris” is not in [1]'
    """
    return Checker(passages, context).check(sentence, cited)


class Checker:
    """Looks up many sentences in the same passages.

    Parameters
    ----------
    passages : sequence of Passage
    question : str
    """

    def __init__(self, passages: Sequence[Passage], question: str = "") -> None:
        self.passages = passages
        self._look = Lookup(passages, question)
        self._figures = Figures(self._look)
        labels = {s.label for s in self._look.statements if len(s.label) > 1}
        self._labels = {label for label in labels if _holds_figures(label)}

    def check(self, sentence: str, cited: Sequence[int] = (), *, alone: bool = False) -> Verdict:
        """Look up one sentence; see `check_claim`.

        Parameters
        ----------
        alone : bool
            Whether it is all of the answer, so that a word without a fact is a claim, too.
        """
        if len(sentence) > _LONGEST:
            return Verdict("unsupported", (), f"a sentence of {len(sentence):,} characters is not looked up")
        facts = without_labels(facts_of(sentence), sentence, self._labels)
        known = [number for number in dict.fromkeys(cited) if 1 <= number <= len(self.passages)]
        if (bare := self._bare(sentence, facts, known)) is not None:
            return self._supported(bare, known)
        if sentence.rstrip(" \"'”’)*_").endswith(("?", "？", "؟")):
            return Verdict("unchecked")
        if facts.numbers or facts.dates:
            found = self._figures.find(sentence, facts, known)
        else:
            found = self._words(sentence, facts, known, alone)
            if not found.statements and not found.trouble:
                return Verdict("unchecked")
        return self._supported(found, known) if found.statements else Verdict("unsupported", (), found.trouble)

    def _bare(self, sentence: str, facts: Facts, cited: list[int]) -> Found | None:
        told = as_value(sentence)
        if not told or len(told) > _BARE:
            return None
        same = [s for s in self._look.statements if s.value and as_value(s.value) == told]
        figures = facts.figures
        if not same and len(figures) == 1 and not content_words(facts):
            manner = manner_of(sentence, self._look.question)
            same = [s for s in self._look.statements if s.value and carried(figures[0], s, manner) is not None]
        if not same:
            return None
        chosen = [s for s in same if s.number in cited]
        if not chosen:
            best = self._look.in_order(same, [])[0]
            chosen = [best, *(s for s in same if s.passage.source != best.passage.source and _same_key(s, best))]
        notes = (
            [carried(figures[0], chosen[0], manner_of(sentence, self._look.question)) or ""]
            if len(figures) == 1
            else []
        )
        return Found(tuple(chosen), tuple(notes))

    def _words(self, sentence: str, facts: Facts, cited: list[int], alone: bool) -> Found:
        words = content_words(facts)
        if not words or sentence.rstrip("*_ ").endswith((":", "：")):
            return Found(trouble=NOWHERE if alone and facts.words else "")
        found = self._look.carrying(tuple(words), facts, cited)
        if any(self._look.ground.is_name(word) for word in words):
            asked = [word for word in facts_of(self._look.question).words if word.name] if len(words) <= 3 else []
            good = [s for s in found.statements if s.value or all(carries(w, s.scope) for w in asked)]
            return replace(found, statements=tuple(good), trouble=found.trouble or NOWHERE)
        told = as_value(sentence)
        carried_so = [s for s in found.statements if s.value or alone or told in as_value(s.text) or words[0].unspaced]
        if carried_so:
            return replace(found, statements=tuple(carried_so))
        claims = self._look.ground.speaks_of(words) or (alone and len(facts.words) <= 3)
        return Found(trouble=found.trouble or NOWHERE) if claims else Found()

    def _supported(self, found: Found, cited: list[int]) -> Verdict:
        numbers = dict.fromkeys(statement.number for statement in found.statements)
        order = sorted(
            numbers, key=lambda number: (number not in cited, cited.index(number) if number in cited else number)
        )
        conflicts = {s.number for mine in found.statements for s in self._look.statements if _disagree(mine, s)} - set(
            numbers
        )
        notes = "; ".join(dict.fromkeys(note for note in found.notes if note))
        return Verdict("supported", tuple(order), notes, tuple(sorted(conflicts)))


def _holds_figures(text: str) -> bool:
    """Whether a name holds numbers, and is more than one."""
    facts = facts_of(text)
    return bool(facts.numbers or facts.dates) and bool(facts.words)


def _same_key(one: Statement, two: Statement) -> bool:
    """Whether both speak of the same thing, in the same words."""
    mine, its = ({w.folded for w in content_words(s.key_facts)} for s in (one, two))
    figures = [[n.value for n in s.key_facts.numbers] + [d.readings for d in s.key_facts.dates] for s in (one, two)]
    return bool(mine) and mine == its and figures[0] == figures[1]


def _disagree(one: Statement, two: Statement) -> bool:
    """Whether they say different values of the same thing."""
    if one.passage is two.passage or not (one.value and two.value and _same_key(one, two)):
        return False
    for mine, its in ((one, two), (two, one)):
        figures = mine.facts.figures
        if figures and all(carried(figure, its, Manner()) is not None for figure in figures):
            return False
    return as_value(one.value) != as_value(two.value)
