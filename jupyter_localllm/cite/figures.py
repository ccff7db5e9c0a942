"""Looking up the numbers and dates of a claim."""

from __future__ import annotations

from dataclasses import replace

from jupyter_localllm.cite.bounds import bound_of, same_bound
from jupyter_localllm.cite.clauses import Part, parts_of, same_clause
from jupyter_localllm.cite.compare import Manner, carried, manner_of
from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.derive import derivations
from jupyter_localllm.cite.facts import Facts
from jupyter_localllm.cite.found import Found, Lookup, chosen_of
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.statements import Statement

__all__ = ["Figures"]

Notes = dict[Statement, str]
"""The statements whose value says a figure, and how."""


class Figures:
    """Finds statements that say the numbers and dates of a claim, of what the claim says them of.

    Parameters
    ----------
    look : Lookup
    """

    def __init__(self, look: Lookup) -> None:
        self._look = look

    def find(self, sentence: str, facts: Facts, cited: list[int]) -> Found:
        """Look up a claim, part by part; all of its parts must be carried.

        Parameters
        ----------
        sentence : str
        facts : Facts
            Of the sentence.
        cited : list of int
            The passages that it cites; they are asked first.
        """
        manner = manner_of(sentence, self._look.question)
        used: list[Statement] = []
        notes: list[str] = []
        for part in parts_of(sentence, facts):
            found = self._part(part, facts, manner, cited)
            if found.trouble:
                return found
            used += found.statements
            notes += found.notes
        return Found(tuple(dict.fromkeys(used)), tuple(notes))

    def _part(self, part: Part, facts: Facts, manner: Manner, cited: list[int]) -> Found:
        if not part.facts:
            return self._look.carrying(part.words, facts, cited)
        own: list[Notes] = []
        for figure in part.facts:
            told_by = ((s, self._says(s, figure, part, manner, facts.text)) for s in self._look.statements)
            own.append({statement: note for statement, note in told_by if note is not None})
        whole, trouble = self._whole(part, own, facts, cited)
        if whole:
            told = dict.fromkeys(n for notes in own for s in whole.statements if (n := notes.get(s)))
            return replace(whole, notes=(*told, *whole.notes))
        other = self._several(part, own, facts, cited) or self._derived(part, own, facts, cited)
        if other:
            return other
        missing = [figure.text for figure, notes in zip(part.facts, own, strict=True) if not notes]
        return Found(trouble=f"{missing[0]} is not in the sources" if missing else trouble)

    def _says(self, statement: Statement, figure: Number | Date, part: Part, manner: Manner, claim: str) -> str | None:
        note = carried(figure, statement, manner)
        if note is None:
            return note
        sources = statement.facts.figures
        same = [s for s in sources if type(s) is type(figure) and (isinstance(s, Date) or s.value == figure.value)]  # type: ignore[union-attr]
        places = same or list(sources)
        if statement.value:  # "at most" may stand in the name of its column
            mine = bound_of(claim, figure)
            free = not places or any(bound_of(statement.value, source) in ("", mine) for source in places)
            return note if free else None
        for source in places:
            here = same_clause(statement, source, part.words, len(part.facts))
            if here and (statement.cells or same_bound(claim, figure, statement.text, source)):
                return note
        return None

    def _whole(self, part: Part, own: list[Notes], facts: Facts, cited: list[int]) -> tuple[Found | None, str]:
        """One statement that carries all of the part, or several that each do."""
        good: dict[Statement, str] = {}
        trouble = ""
        told = {s for notes in own for s in notes} | {
            s for s in self._look.statements if s.value and self._look.says_value(s, facts)
        }
        for statement in self._look.in_order(told, cited):
            if not all(statement in n or _in_key(f, statement) for f, n in zip(part.facts, own, strict=True)):
                continue
            agreed = self._look.agrees(part.words, facts, [statement], part.facts)
            if agreed.good:
                good[statement] = agreed.reason
            elif any(statement in notes for notes in own):
                trouble = trouble or agreed.reason
        if not good:
            return None, trouble
        chosen = chosen_of(list(good), cited)
        return Found(tuple(chosen), tuple(dict.fromkeys(good[s] for s in chosen if good[s]))), ""

    def _several(self, part: Part, own: list[Notes], facts: Facts, cited: list[int]) -> Found | None:
        """A statement for each number, all about what the part names; years belong to the number beside them."""
        chosen: list[Statement | None] = []
        names = [word for word in part.words if word.name]
        for notes in own:
            fitting = [s for s in notes if self._look.agrees(names, facts, [s], part.facts).good]
            chosen.append(next(iter(self._look.in_order(fitting, cited)), None))
        for at, (figure, statement) in enumerate(zip(part.facts, chosen, strict=True)):
            if statement is None:
                near = _nearest(
                    figure, [(f, s) for n, (f, s) in enumerate(zip(part.facts, chosen, strict=True)) if n != at and s]
                )
                chosen[at] = next((s for s in near if _in_key(figure, s)), None)
        used = [s for s in dict.fromkeys(chosen) if s is not None]
        if None in chosen or len(used) < 2:
            return None
        agreed = self._look.agrees(part.words, facts, used, part.facts)
        if not agreed.good:
            return None
        said = [n for s, told in zip(chosen, own, strict=True) if s is not None and (n := told.get(s))]
        return Found(tuple(used), (*said, agreed.reason))

    def _derived(self, part: Part, own: list[Notes], facts: Facts, cited: list[int]) -> Found | None:
        """One number that follows from two others; the rest of the part's numbers stand in these."""
        pool = [s for s in self._look.statements if s.number in cited]
        pool += [s for notes in own for s in notes if s not in pool]
        missing = [n for n, f in enumerate(part.facts) if not own[n] and not any(_in_key(f, s) for s in pool)]
        if len(missing) != 1:
            return None
        at = missing[0]
        figure = part.facts[at]
        if not isinstance(figure, Number):
            return None
        for derived in derivations(figure, facts, pool):
            used = [derived.one, derived.two]
            others = (f for n, f in enumerate(part.facts) if n != at)
            if not all(any(s in own[part.facts.index(f)] or _in_key(f, s) for s in used) for f in others):
                continue
            agreed = self._look.ground.agrees(part.words, facts, used, derived.words)
            if agreed.good and not facts.negative:
                return Found(tuple(used), (derived.reason, agreed.reason))
        return None


def _nearest(figure: Number | Date, others: list[tuple[Number | Date, Statement]]) -> list[Statement]:
    """The statements of the numbers that stand nearest, one or two."""
    far = [(max(other.start - figure.end, figure.start - other.end), s) for other, s in others]
    least = min((distance for distance, _ in far), default=0)
    return [statement for distance, statement in far if distance <= least + 2]


def _in_key(figure: Number | Date, statement: Statement) -> bool:
    key = statement.key_facts
    if isinstance(figure, Date):
        return any(figure.said_of(date) for date in key.dates)
    return any(figure.value == n.value for n in key.numbers) or any(int(figure.value) in d.years for d in key.dates)
