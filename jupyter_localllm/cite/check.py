"""Whether what a sentence says is carried by the passages it cites; if not, which ones carry it.

Each number, date and name is looked up, and its words with it: a number alone agrees by chance. What is not certain is
unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.cite.agree import Agreement, Ground, content_words
from jupyter_localllm.cite.clauses import Part, parts_of, same_clause
from jupyter_localllm.cite.compare import Manner, carried, manner_of
from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.derive import derivations
from jupyter_localllm.cite.facts import Facts, Word, facts_of
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.statements import Statement, as_value, statements_of
from jupyter_localllm.types import CitationStatus, Passage

__all__ = ["Checker", "Verdict", "check_claim"]

_BARE = 60  # characters of the longest claim that may be a value and nothing else
_COPULAS = frozenset("is are was were ist sind war waren est sont était étaient es son era eran è sono foi são".split())


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


@dataclass(frozen=True)
class _Found:
    """Statements that carry a part of a claim, or why none does."""

    statements: tuple[Statement, ...] = ()
    notes: tuple[str, ...] = ()
    trouble: str = ""


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
        self.question = question
        self._statements = statements_of(passages)
        self._ground = Ground(self._statements, question)

    def check(self, sentence: str, cited: Sequence[int] = (), *, alone: bool = False) -> Verdict:
        """Look up one sentence; see `check_claim`.

        Parameters
        ----------
        alone : bool
            Whether it is all of the answer, so that a word without a fact is a claim, too.
        """
        facts = facts_of(sentence)
        if sentence.rstrip(" \"'”’)*_").endswith(("?", "？", "؟")):
            return Verdict("unchecked")
        known = [number for number in dict.fromkeys(cited) if 1 <= number <= len(self.passages)]
        if (bare := self._bare(sentence, facts, known)) is not None:
            return self._supported(bare, known)
        if facts.numbers or facts.dates:
            found = self._figures(sentence, facts, known)
        else:
            found = self._words(sentence, facts, known, alone)
            if not found.statements and not found.trouble:
                return Verdict("unchecked")
        return self._supported(found, known) if found.statements else Verdict("unsupported", (), found.trouble)

    # A value and nothing else

    def _bare(self, sentence: str, facts: Facts, cited: list[int]) -> _Found | None:
        told = as_value(sentence)
        if not told or len(told) > _BARE:
            return None
        same = [s for s in self._statements if s.value and as_value(s.value) == told]
        figures = (*facts.numbers, *facts.dates)
        if not same and len(figures) == 1 and not content_words(facts):
            manner = manner_of(sentence, self.question)
            same = [s for s in self._statements if s.value and carried(figures[0], s, manner) is not None]
        if not same:
            return None
        chosen = [s for s in same if s.number in cited]
        if not chosen:
            asked = {word.folded for word in facts_of(self.question).words}
            best = max(same, key=lambda s: (len(asked & s.scope.words.keys()), -s.number))
            chosen = [best, *(s for s in same if s is not best and _same_key(s, best))]
        notes = [carried(figures[0], chosen[0], manner_of(sentence, self.question)) or ""] if len(figures) == 1 else []
        return _Found(tuple(chosen), tuple(notes))

    # Numbers and dates

    def _figures(self, sentence: str, facts: Facts, cited: list[int]) -> _Found:
        manner = manner_of(sentence, self.question)
        used: list[Statement] = []
        notes: list[str] = []
        for part in parts_of(sentence, facts):
            found = self._part(part, facts, manner, cited)
            if found.trouble:
                return found
            used += found.statements
            notes += found.notes
        return _Found(tuple(dict.fromkeys(used)), tuple(notes))

    def _part(self, part: Part, facts: Facts, manner: Manner, cited: list[int]) -> _Found:
        if not part.facts:
            return self._carrying(part.words, facts, cited)
        own: list[dict[Statement, str]] = []
        for figure in part.facts:
            notes = {s: note for s in self._statements if (note := self._says(s, figure, part, manner)) is not None}
            own.append(notes)
        whole, trouble = self._whole(part, own, facts, cited)
        if whole:
            notes = dict.fromkeys(n for notes in own for s in whole.statements if (n := notes.get(s)))
            return replace(whole, notes=(*notes, *whole.notes))
        several = self._several(part, own, facts, cited)
        if several:
            return several
        derived = self._derived(part, own, facts, cited)
        if derived:
            return derived
        missing = [figure.text for figure, notes in zip(part.facts, own, strict=True) if not notes]
        return _Found(trouble=f"{missing[0]} is not in the sources" if missing else trouble)

    def _says(self, statement: Statement, figure: Number | Date, part: Part, manner: Manner) -> str | None:
        note = carried(figure, statement, manner)
        if note is None or statement.value:
            return note
        sources = (*statement.facts.numbers, *statement.facts.dates)
        same = [s for s in sources if type(s) is type(figure) and (isinstance(s, Date) or s.value == figure.value)]  # type: ignore[union-attr]
        places = same or list(sources)
        return note if any(same_clause(statement, s, part.words, len(part.facts)) for s in places) else None

    def _whole(
        self, part: Part, own: list[dict[Statement, str]], facts: Facts, cited: list[int]
    ) -> tuple[_Found | None, str]:
        """One statement that carries all of the part, or several that each do."""
        manner = Manner()
        good: dict[Statement, str] = {}
        trouble = ""
        for statement in sorted({s for notes in own for s in notes}, key=lambda s: (s.number not in cited, s.number)):
            if not all(statement in n or self._in_key(f, statement, manner) for f, n in zip(part.facts, own, strict=True)):
                continue
            agreed = self._agrees(part.words, facts, [statement])
            if agreed.good:
                good[statement] = agreed.reason
            trouble = trouble or agreed.reason
        if not good:
            return None, trouble
        chosen = _chosen(list(good), cited)
        return _Found(tuple(chosen), tuple(dict.fromkeys(good[s] for s in chosen if good[s]))), ""

    def _in_key(self, figure: Number | Date, statement: Statement, manner: Manner) -> bool:
        key = statement.key_facts
        if isinstance(figure, Date):
            return any(figure.said_of(date) for date in key.dates)
        return any(figure.value == n.value for n in key.numbers) or any(int(figure.value) in d.years for d in key.dates)

    def _several(self, part: Part, own: list[dict[Statement, str]], facts: Facts, cited: list[int]) -> _Found | None:
        """A statement for each number, all of them about what the part names; years belong to the number beside them."""
        chosen: list[Statement | None] = []
        names = [word for word in part.words if word.name]
        for notes in own:
            fitting = [s for s in notes if self._agrees(names, facts, [s]).good]
            chosen.append(min(fitting, key=lambda s: (s.number not in cited, s.number), default=None))
        for at, (figure, statement) in enumerate(zip(part.facts, chosen, strict=True)):
            if statement is None:
                near = _nearest(figure, [(f, s) for n, (f, s) in enumerate(zip(part.facts, chosen, strict=True)) if n != at and s])
                chosen[at] = next((s for s in near if self._in_key(figure, s, Manner())), None)
        used = [s for s in dict.fromkeys(chosen) if s is not None]
        if None in chosen or len(used) < 2:
            return None
        agreed = self._agrees(part.words, facts, used)
        if not agreed.good:
            return None
        notes = [n for s, told in zip(chosen, own, strict=True) if s is not None and (n := told.get(s))]
        return _Found(tuple(used), (*notes, agreed.reason))

    def _derived(self, part: Part, own: list[dict[Statement, str]], facts: Facts, cited: list[int]) -> _Found | None:
        """One number that follows from two others; the rest of the part's numbers stand in these."""
        missing = [(at, figure) for at, figure in enumerate(part.facts) if not own[at] and isinstance(figure, Number)]
        pool = [s for s in self._statements if s.number in cited]
        pool += [s for notes in own for s in notes if s not in pool]
        if len(missing) != 1:
            return None
        at, figure = missing[0]
        assert isinstance(figure, Number)
        for derived in derivations(figure, facts, pool):
            used = [derived.one, derived.two]
            others = (f for n, f in enumerate(part.facts) if n != at)
            if not all(any(s in own[part.facts.index(f)] or self._in_key(f, s, Manner()) for s in used) for f in others):
                continue
            agreed = self._ground.agrees(part.words, facts, used, derived.words)
            if agreed.good and not facts.negative:
                return _Found(tuple(used), (derived.reason, agreed.reason))
        return None

    # Words alone

    def _words(self, sentence: str, facts: Facts, cited: list[int], alone: bool) -> _Found:
        words = content_words(facts)
        if any(self._ground.is_name(word) for word in words):
            return self._carrying(tuple(words), facts, cited)
        found = self._carrying(tuple(words), facts, cited) if words else _Found()
        told = as_value(sentence)
        verbatim = [s for s in found.statements if not s.value and told in as_value(s.text)]
        if verbatim:
            return _Found(tuple(verbatim))
        if found.statements and (alone or any(s.value for s in found.statements) or any(w.unspaced for w in words)):
            return found
        return _Found(trouble="this is not in the sources") if alone and len(sentence.split()) <= 3 else _Found()

    def _carrying(self, words: tuple[Word, ...], facts: Facts, cited: list[int]) -> _Found:
        """Statements that carry all the words."""
        good: dict[Statement, str] = {}
        trouble = ""
        for statement in sorted(self._statements, key=lambda s: (s.number not in cited, s.number)):
            if statement.value and not self._says_value(statement, facts):
                continue
            agreed = self._agrees(words, facts, [statement])
            if agreed.good and words and _in_order(statement, words, facts):
                good[statement] = agreed.reason
            elif statement.number in cited:
                trouble = trouble or agreed.reason
        if not good:
            return _Found(trouble=trouble or "this is not in the sources")
        chosen = _chosen(list(good), cited)
        return _Found(tuple(chosen), tuple(dict.fromkeys(good[s] for s in chosen if good[s])))

    def _says_value(self, statement: Statement, facts: Facts) -> bool:
        said = {word.folded for word in facts.words}
        own = [word for word in statement.facts.words if len(word.folded) > 1]
        if own and any(word.unspaced for word in own):
            told = "".join(word.folded for word in facts.words)
            return all(word.folded in told for word in own)
        return bool(own) and all(word.folded in said for word in own)

    # All of it

    def _agrees(self, words: Sequence[Word], facts: Facts, used: list[Statement]) -> Agreement:
        agreed = self._ground.agrees(words, facts, used)
        if agreed.good:
            negative = any(s.facts.negative or s.key_facts.negative for s in used)
            if facts.negative != negative:
                marks = "".join(dict.fromkeys(f"[{s.number}]" for s in used))
                return Agreement(False, f"it says “not”, and {marks} does not" if facts.negative else f"{marks} says “not”")
        return agreed

    def _supported(self, found: _Found, cited: list[int]) -> Verdict:
        numbers = dict.fromkeys(statement.number for statement in found.statements)
        order = sorted(numbers, key=lambda number: (number not in cited, cited.index(number) if number in cited else number))
        conflicts = {s.number for mine in found.statements for s in self._statements if _disagree(mine, s)} - set(numbers)
        notes = "; ".join(dict.fromkeys(note for note in found.notes if note))
        return Verdict("supported", tuple(order), notes, tuple(sorted(conflicts)))


def _chosen(good: list[Statement], cited: list[int]) -> list[Statement]:
    """Those that were cited; or the first one, and one from another source that says the same."""
    kept = [statement for statement in good if statement.number in cited]
    if kept:
        return kept
    other = [statement for statement in good[1:] if statement.passage.source != good[0].passage.source]
    return [good[0], *other[:1]]


def _nearest(figure: Number | Date, others: list[tuple[Number | Date, Statement]]) -> list[Statement]:
    """The statements of the numbers that stand nearest, one or two."""
    far = [(max(other.start - figure.end, figure.start - other.end), s) for other, s in others]
    least = min((distance for distance, _ in far), default=0)
    return [statement for distance, statement in far if distance <= least + 2]


def _in_order(statement: Statement, words: Sequence[Word], facts: Facts) -> bool:
    """Whether names stand in the order of the sentence: "A beat B" is not "B beat A"; "A is B" is "B is A"."""
    if statement.value or {word.folded for word in facts.words} & _COPULAS:
        return True
    places: dict[str, int] = {}
    for word in statement.facts.words:
        places.setdefault(word.folded, word.start)
    order = [places[word.folded] for word in words if (word.name or word.first) and word.folded in places]
    return order == sorted(order)


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
        figures = (*mine.facts.numbers, *mine.facts.dates)
        if figures and all(carried(figure, its, Manner()) is not None for figure in figures):
            return False
    return as_value(one.value) != as_value(two.value)
