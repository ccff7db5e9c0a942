"""The passages that a model gets: the best ones of all sources that fit into a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from jupyter_localllm.sources.select.base import Bounds, Progress, Ranked
from jupyter_localllm.sources.select.coverage import Coverage, coverage
from jupyter_localllm.sources.select.fuse import Embed, Vectors
from jupyter_localllm.sources.select.gather import Gathered, gather
from jupyter_localllm.sources.select.kept import Kept
from jupyter_localllm.sources.select.question import Asked
from jupyter_localllm.sources.select.unmet import says
from jupyter_localllm.sources.snapshot import Snapshot
from jupyter_localllm.types import Note, Passage

__all__ = ["Choice", "Cut", "choose"]

_COUNTED = 64  # passages whose tokens are counted at once
_MUST = -1  # the number of the source of passages that the caller brings

Count = Callable[[list[str]], list[int]]


@dataclass(frozen=True)
class Cut:
    """A passage that was found and left out.

    Parameters
    ----------
    passage : Passage
    tokens : int
    rank : int
        Its place among all that were found, counted from 1; 0 for one that the caller brought.
    reason : str
        Why, in a few words for people.
    """

    passage: Passage
    tokens: int
    rank: int
    reason: str


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Parameters
    ----------
    passages : tuple of Passage
        The caller's first, then source by source, each in its own order: the same passages stand in the same order
        whatever the question, so that the model's cache of a prompt's beginning is of use.
    tokens : int
        Of all of them together.
    costs : tuple of int
        Tokens of each.
    cut : tuple of Cut
        What was found and left out, the best one first.
    notes : tuple of Note
    coverage : Coverage
        How much of the question the chosen passages speak of.
    ranked : tuple of Ranked
        All that was found, the best one first.
    asked : Asked
        The question, weighed against the sources, for `coverage` of other passages.
    """

    passages: tuple[Passage, ...]
    tokens: int
    costs: tuple[int, ...]
    cut: tuple[Cut, ...]
    notes: tuple[Note, ...]
    coverage: Coverage
    ranked: tuple[Ranked, ...]
    asked: Asked


@dataclass
class _Taken:
    source: int
    ranked: Ranked
    tokens: int
    rank: int

    def __post_init__(self) -> None:
        self.plain = " ".join(self.ranked.passage.text.split())


@dataclass
class _Picking:
    """The state of one choice: what is taken, what is cut, what is left of the budget."""

    left: int
    most: int
    taken: list[_Taken] = field(default_factory=list)
    cut: list[Cut] = field(default_factory=list)

    def offer(self, new: _Taken) -> None:
        """Take a passage, or cut it and say why."""
        reason = self._refused(new)
        if reason:
            self.cut.append(Cut(new.ranked.passage, new.tokens, new.rank, reason))
        else:
            self.taken.append(new)
            self.left -= new.tokens

    def _refused(self, new: _Taken) -> str:
        name = new.ranked.passage.source
        for old in self.taken:
            brought = old.source == _MUST and old.ranked.passage.source == name and old.plain == new.plain
            if brought or (old.source == new.source and _within(new.plain, old.plain)):
                return f"said by another passage of {name}"
        within = self._parts_of(new)
        if new.tokens > self.left + sum(old.tokens for old in within):
            return f"{new.tokens:,} tokens, {max(0, self.left):,} left"
        if new.source != _MUST and len(self._found()) - len(within) >= self.most:
            return f"beyond the {self.most:,} best"
        for old in within:
            self.taken.remove(old)
            self.left += old.tokens
            self.cut.append(Cut(old.ranked.passage, old.tokens, old.rank, "part of a longer passage"))
        return ""

    def drop_beside(self, asked: Asked) -> None:
        """Leave out running text that holds only other words for what is asked, where its source says the thing."""
        texts = [t for t in self._found() if t.ranked.passage.kind == "text"]
        speaking = coverage(asked, [t.ranked.passage for t in texts]).speaking
        sources = {t.source for t in texts if t.ranked.passage in speaking}
        for taken in texts:
            beside = taken.source in sources and taken.ranked.passage not in speaking
            if beside and not says(asked, taken.ranked.passage.text):
                self.taken.remove(taken)
                self.cut.append(Cut(taken.ranked.passage, taken.tokens, taken.rank, "holds no word of the question"))

    def _parts_of(self, new: _Taken) -> list[_Taken]:
        """Taken passages of running text that the new one holds whole; a cell keeps its place beside its row."""
        if new.ranked.passage.kind not in ("text", "code"):
            return []
        same = [t for t in self._found() if t.source == new.source and t.ranked.passage.kind == new.ranked.passage.kind]
        return [old for old in same if _within(old.plain, new.plain)]

    def _found(self) -> list[_Taken]:
        return [taken for taken in self.taken if taken.source != _MUST]


def choose(
    snapshots: Sequence[Snapshot],
    question: str,
    budget_tokens: int,
    count: Count,
    *,
    embed: Embed | Vectors | None = None,
    must: Sequence[Passage] = (),
    kept: Kept | None = None,
    bounds: Bounds | None = None,
    limit: int = 100,
    most: int = 10_000,
    progress: Progress | None = None,
) -> Choice:
    """Choose passages of several sources for a question.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        As the person named them. Each gets a word: its best passage is taken before the second one of another, if it
        fits. One that has a method ``search(question, limit)`` ranks its passages itself.
    question : str
        Any text in any language; no wording is looked for.
    budget_tokens : int
        Most tokens of all passages together.
    count : callable
        Tokens of each of some texts, with whatever the prompt puts around a passage.
    embed : callable or Vectors, optional
        Of an embedding model; `Vectors` keeps what was embedded for the next question.
    must : sequence of Passage, optional
        Computed results: they come first, and are cut only if they do not fit themselves.
    kept : Kept, optional
        Where indexes are kept for the next question; without it they are thrown away.
    bounds : Bounds, optional
        How much of a source is indexed; a note says if it was not all.
    limit : int, optional
        How many passages of each source are looked at.
    most : int, optional
        How many are chosen at most, besides ``must``.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    Choice
        The same one in every process for the same arguments, unless the bound of time cut an index.

    Raises
    ------
    SourceError
        The index cannot be written.
    """
    vectors = embed if embed is None or isinstance(embed, Vectors) else Vectors(embed)
    kept = kept if kept is not None else Kept()
    found = gather(snapshots, question, limit=limit, kept=kept, bounds=bounds, vectors=vectors, progress=progress)
    picking = _Picking(budget_tokens, most)
    for offer in _counted(list(_offers(found, must)), count):
        picking.offer(offer)
    picking.drop_beside(found.asked)
    return _choice(found, picking)


def _choice(found: Gathered, picking: _Picking) -> Choice:
    """What was taken, in its order, with what is told of it."""
    taken = sorted(picking.taken, key=_place)
    passages, costs = [t.ranked.passage for t in taken], [t.tokens for t in taken]
    cut = tuple(sorted(picking.cut, key=lambda c: c.rank))
    notes = (*found.notes, *_notes(cut))
    ranked = tuple(hit.ranked for hit in found.hits)
    told = coverage(found.asked, passages)
    return Choice(tuple(passages), sum(costs), tuple(costs), cut, notes, told, ranked, found.asked)


def _offers(found: Gathered, must: Sequence[Passage]) -> Iterator[_Taken]:
    """Everything that could be taken, in the order in which it is asked; tokens are not counted yet."""
    for place, passage in enumerate(must):
        yield _Taken(_MUST, Ranked(passage, 0.0, order=place), 0, 0)
    ranks = {(hit.source, id(hit.ranked)): rank for rank, hit in enumerate(found.hits, 1)}
    leaders = [(source, ranked) for source, ranked in enumerate(found.first) if ranked is not None]
    last = len(found.hits) + 1
    leaders.sort(key=lambda leader: ranks.get((leader[0], id(leader[1])), last))
    for source, ranked in leaders:
        yield _Taken(source, ranked, 0, ranks.get((source, id(ranked)), last))
    led = {(source, id(ranked)) for source, ranked in leaders}
    for rank, hit in enumerate(found.hits, 1):
        if (hit.source, id(hit.ranked)) not in led:
            yield _Taken(hit.source, hit.ranked, 0, rank)


def _counted(offers: list[_Taken], count: Count) -> Iterator[_Taken]:
    for start in range(0, len(offers), _COUNTED):
        batch = offers[start : start + _COUNTED]
        for offer, tokens in zip(batch, count([o.ranked.passage.text for o in batch]), strict=True):
            offer.tokens = tokens
            yield offer


def _place(taken: _Taken) -> tuple[int, int, tuple[int, int, int, str], int]:
    """Where a chosen passage stands: by its source, and by its place there, as far as that is known."""
    where = taken.ranked.passage.locator
    near = (where.page or 0, (where.lines or (0, 0))[0], min(where.rows or (-1,)), where.path or "")
    if taken.ranked.order >= 0:
        return taken.source, taken.ranked.order, (0, 0, 0, ""), 0
    return taken.source, -1, near, taken.rank


def _within(part: str, whole: str) -> bool:
    """Whether a text stands in another one as it is, not as the beginning of another word or number."""
    at = whole.find(part) if part else 0
    while at >= 0:
        before, behind = whole[at - 1 : at] if at else "", whole[at + len(part) : at + len(part) + 2]
        longer_number = behind[:1] in (".", ",") and behind[1:].isdigit()
        if not before.isalnum() and not behind[:1].isalnum() and not longer_number:
            return True
        at = whole.find(part, at + 1)
    return False


def _notes(cut: Sequence[Cut]) -> list[Note]:
    lost = [c for c in cut if c.rank == 0]
    if not lost:
        return []
    what = "1 computed result" if len(lost) == 1 else f"{len(lost):,} computed results"
    tokens = sum(c.tokens for c in lost)
    return [Note("budget", f"{what} ({tokens:,} tokens) left out: no room beside the question")]
