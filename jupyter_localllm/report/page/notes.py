"""The sources of all answers of a page, numbered through, with links to them and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from jupyter_localllm.show.listing import SIGNS, Entry, claim_of, clipped, entries, one_line
from jupyter_localllm.show.marks import Link, Spot
from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Answer, Citation

__all__ = ["Footnote", "Footnotes", "Reference", "Shown"]

_LONGEST_CLAIM = 200
_LONGEST_TEXT = 2_000
_LONGEST_CELL = 200
_MOST_ROWS = 12
_MOST_COLUMNS = 12


@dataclass(frozen=True)
class Shown:
    """A cell of a source's table, and whether it is what was cited."""

    text: str
    cited: bool = False


@dataclass(frozen=True)
class Reference:
    """A place that cites a footnote.

    Parameters
    ----------
    anchor : str
        Of the mark, or of the answer where it could not be marked.
    answer : int
        The answer's number on the page.
    status, sign, words : str
        Of the claim: its status, a sign for it, and why.
    claim : str
        Told where the claim is not supported.
    """

    anchor: str
    answer: int
    status: str
    sign: str
    words: str
    claim: str


@dataclass
class Footnote:
    """A passage that answers rest on, or a claim that rests on none."""

    number: int
    source: str
    place: str
    text: str
    head: tuple[Shown, ...] = ()
    rows: tuple[tuple[Shown, ...], ...] = ()
    more_rows: int = 0
    references: list[Reference] = field(default_factory=list)


class Footnotes:
    """Collects the sources of answers; the same passage has one number, whoever cites it."""

    def __init__(self) -> None:
        self._known: dict[object, Footnote] = {}
        self._anchors = 0

    @property
    def listed(self) -> list[Footnote]:
        """All of them, by number."""
        return list(self._known.values())

    def of(self, answer: Answer, number: int) -> Writer:
        """What writes the marks of an answer.

        Parameters
        ----------
        answer : Answer
        number : int
            The answer's number on the page.
        """
        notes = {index: self._note(entry) for entry in entries(answer) for index in entry.citations}
        return Writer(self, answer, number, notes)

    def anchor(self) -> str:
        """A new name for a mark."""
        self._anchors += 1
        return f"ref-{self._anchors}"

    def _note(self, entry: Entry) -> Footnote:
        passage = entry.passage
        key: object = (
            entry.source,
            entry.place,
            entry.text,
            passage.sha256 if passage else entry.citations,
            entry.cells,
        )
        if not entry.number:
            key = len(self._known)  # a claim without a source is a note of its own
        if key not in self._known:
            self._known[key] = _footnote(len(self._known) + 1, entry)
        return self._known[key]


class Writer:
    """Writes the marks of one answer as links to footnotes (a `jupyter_localllm.show.marks.Writer`)."""

    def __init__(self, notes: Footnotes, answer: Answer, number: int, of: dict[int, Footnote]) -> None:
        self._notes, self._answer, self._number, self._of = notes, answer, number, of
        self._told: set[int] = set()

    def mark(self, spot: Spot) -> str:
        """A mark, as links."""
        return str(Markup("<sup>{}</sup>").format(Markup("").join(map(self._link, spot.links))))

    def claim(self, html: str, citation: int) -> str:
        """A piece of a claim that is not supported; its HTML is our own."""
        title = ": ".join(_words(self._answer.citations[citation]))
        return str(Markup('<span class="doubt" title="{}">{}</span>').format(title, Markup(html)))

    def finish(self) -> None:
        """Tell the footnotes of citations whose mark does not stand in the text."""
        for index in sorted(set(self._of) - self._told):
            self._refer(index, f"answer-{self._number}")

    def _link(self, link: Link) -> Markup:
        note, cited = self._of[link.citation], self._answer.citations[link.citation]
        doubt = "?" if cited.status in ("unsupported", "stale") else ""
        place = Markup("")
        if link.citation not in self._told:
            anchor = self._notes.anchor()
            self._refer(link.citation, anchor)
            place = Markup(' id="{}"').format(anchor)
        return Markup('<a class="mark {}" href="#note-{}"{}>[{}{}]</a>').format(
            cited.status, note.number, place, note.number, doubt
        )

    def _refer(self, index: int, anchor: str) -> None:
        self._told.add(index)
        cited = self._answer.citations[index]
        status, *why = _words(cited)
        claim = clipped(claim_of(self._answer, cited), _LONGEST_CLAIM) if cited.status != "supported" else ""
        told = Reference(anchor, self._number, status, SIGNS[cited.status], why[0] if why else "", claim)
        self._of[index].references.append(told)


def _words(cited: Citation) -> list[str]:
    status = "not in the sources" if cited.status == "unsupported" and not cited.number else cited.status
    return [status, clipped(one_line(cited.reason), _LONGEST_CLAIM)] if cited.reason else [status]


def _footnote(number: int, entry: Entry) -> Footnote:
    shown = entry.passage.shown if entry.passage is not None else ()
    told = not shown or (entry.passage is not None and entry.passage.kind in ("computed", "statistic"))
    text = entry.text if told else ""  # the table says it
    note = Footnote(number, entry.source, entry.place, clipped(text, _LONGEST_TEXT))
    if shown:
        head, *body = (_cells(row, index, entry) for index, row in enumerate(shown[: _MOST_ROWS + 1]))
        note.head, note.rows, note.more_rows = head, tuple(body), max(0, len(shown) - 1 - _MOST_ROWS)
    return note


def _cells(row: Sequence[str], number: int, entry: Entry) -> tuple[Shown, ...]:
    made = [Shown(clipped(clean(cell), _LONGEST_CELL), (number, at) in entry.cells) for at, cell in enumerate(row)]
    return (*made[:_MOST_COLUMNS], *([Shown("…")] if len(made) > _MOST_COLUMNS else []))
