# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""The answer with the right marks: each sentence is checked when it is complete, and gets the marks of what carries it.

The model's own marks are only a hint. They are taken out, and those that hold are put before the sentence's last stop:
``"Berlin has 3,769,495 inhabitants [1]."`` What no passage carries is marked ``[?]``. Where sources disagree, the other
one is told, too: ``"… 3,769,495 [1] (notes: 3,800,000 [2])."``
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from jupyter_localllm.cite.check import Checker, Verdict
from jupyter_localllm.cite.facts import facts_of
from jupyter_localllm.cite.parse import DOUBT, LEAD, fence_of, marks_in, without_marks
from jupyter_localllm.cite.sentences import Piece, Splitter
from jupyter_localllm.types import Citation, Passage

__all__ = ["Citing"]

_TAIL = re.compile(r"(?:[.!?…。！？；؟۔।]+[\"'”’»)*_」』）]*|[ \t]*\|)[ \t]*\Z")
_BEGUN = re.compile(r"[ \t]*\[[\d,^ ]*\Z")
_LONGEST_LEAD = 200
_MOST_VALUE = 80


class Citing:
    """Checks an answer while it is written.

    Parameters
    ----------
    passages : sequence of Passage
        What the model was given; number ``n`` is ``passages[n - 1]``.
    question : str
        What was asked; its words may be used in the answer.

    Examples
    --------
    >>> passages = [Passage("df", "cell", "Population of Berlin: 3,769,495", value="3,769,495")]
    >>> citing = Citing(passages)
    >>> citing.feed("The population of Berlin is 3,769,495. It is ")
    'The population of Berlin is 3,769,495 [1]. '
    >>> text, citations = citing.finish()
    >>> text, citations[0].number, text[citations[0].start : citations[0].end]
    ('The population of Berlin is 3,769,495 [1]. It is ', 1, 'The population of Berlin is 3,769,495')
    """

    def __init__(self, passages: Sequence[Passage], question: str = "") -> None:
        self._passages = passages
        self._checker = Checker(passages, question)
        self._splitter = Splitter()
        self._written: list[str] = []
        self._length = 0
        self._sentences = 0
        self._heading = False
        self._citations: list[Citation] = []

    def feed(self, text: str) -> str:
        """Take more of the answer.

        Returns
        -------
        str
            What of the checked answer is complete now, to be put behind what was given before; often nothing.
        """
        return self._take(self._splitter.feed(text), False)

    @property
    def pending(self) -> str:
        """What was taken and is not checked yet: the beginning of a sentence, as it was written."""
        return self._splitter.held

    def finish(self) -> tuple[str, tuple[Citation, ...]]:
        """Take the rest.

        Returns
        -------
        text : str
            The whole checked answer.
        citations : tuple of Citation
            One for each claim and passage that carries it, in the order of the text. A claim that no passage carries
            has the number 0, and so has a sentence that holds nothing to look up.
        """
        self._take(self._splitter.finish(), True)
        return "".join(self._written), tuple(self._citations)

    def _take(self, pieces: list[Piece], last: bool) -> str:
        before = len(self._written)
        sentences = sum(piece.kind == "sentence" for piece in pieces)
        for at, piece in enumerate(pieces):
            if piece.kind == "sentence":
                text = _BEGUN.sub("", piece.text) if last and at == len(pieces) - 1 else piece.text
                self._sentence(text, alone=last and self._sentences + sentences == 1)
            else:
                self._heading = piece.kind == "gap" and "#" in piece.text
                self._write(piece.text)
        self._sentences += sentences
        return "".join(self._written[before:])

    def _write(self, text: str) -> None:
        self._written.append(text)
        self._length += len(text)

    def _sentence(self, text: str, *, alone: bool) -> None:
        fresh = self._begins_a_line()
        body, cited = _bare(text, fresh)
        if body.startswith("]") and "".join(self._written[-2:]).endswith("[?"):  # of "[? [2]]" a doubt would be left
            body = f"\\{body}"
        tail = _TAIL.search(body)
        claim = body[: tail.start()] if tail else body
        if not any(map(str.isalnum, claim)):
            self._write(body)
            return
        verdict = self._checker.check(body, cited, alone=alone)
        if verdict.status == "unsupported" and (self._heading or body.startswith("|")) and not _figures(body):
            verdict = Verdict("unchecked")  # the head of a table, the title of a section
        start, end = self._length, self._length + len(claim)
        self._write(claim + self._marks(claim[-1] + body[len(claim) :][:1], verdict))
        self._citations += self._cited(verdict, start, end)
        if verdict.status == "supported":
            self._tell_others(verdict)
        self._write(body[len(claim) :])

    def _begins_a_line(self) -> bool:
        """Whether a fence would open code here: what stands on the line so far only marks an item or a quotation."""
        line = ""
        for piece in reversed(self._written):
            *earlier, last = re.split(r"[\r\n]", piece)
            line = last + line
            if earlier or len(line) > _LONGEST_LEAD:
                break
        return LEAD.fullmatch(line) is not None

    def _marks(self, around: str, verdict: Verdict) -> str:
        marks = "".join(f"[{number}]" for number in verdict.numbers)
        marks = DOUBT if verdict.status == "unsupported" else marks
        wide = any(unicodedata.east_asian_width(sign) in "WF" for sign in around)  # no spaces are written there
        return marks if not marks or wide else f" {marks}"

    def _cited(self, verdict: Verdict, start: int, end: int) -> list[Citation]:
        if not verdict.numbers:
            return [Citation(0, start=start, end=end, status=verdict.status, reason=verdict.reason)]
        return [self._citation(number, start, end, verdict.reason) for number in verdict.numbers]

    def _citation(self, number: int, start: int, end: int, reason: str) -> Citation:
        passage = self._passages[number - 1]
        return Citation(number, passage.source, passage.locator, passage.text, start, end, "supported", reason)

    def _tell_others(self, verdict: Verdict) -> None:
        """Say what the sources say that disagree with this claim, unless the answer has said it."""
        told = {citation.number for citation in self._citations}
        for number in verdict.conflicts:
            if number in told:
                continue
            passage = self._passages[number - 1]
            said = f"{_plain(passage.source)}: {_plain(passage.value)}"
            start = self._length + 2
            self._write(f" ({said} [{number}])")
            others = "".join(f"[{other}]" for other in verdict.numbers)
            self._citations.append(self._citation(number, start, start + len(said), f"disagrees with {others}"))


def _bare(text: str, fresh: bool) -> tuple[str, tuple[int, ...]]:
    """A sentence without marks, and the numbers that stood in them; a fence opens code at the start of a line only."""
    if not fresh:
        body, numbers_there = _bare(f".{text}", True)
        return body[1:], numbers_there
    numbers: dict[int, None] = {}
    body = text
    while next(marks_in(body), None) is not None:  # taking one out may make another: "[1[2]]"
        body, found = without_marks(body)
        numbers.update(dict.fromkeys(found))
    if fence_of(body):  # code itself is no sentence: only marks that are gone stood before this on its line
        body = "\\" + body.lstrip()
    return body, tuple(numbers)


def _figures(text: str) -> bool:
    facts = facts_of(text)
    return bool(facts.numbers or facts.dates)


def _plain(text: str) -> str:
    """A value of a source on one line, without what Markdown or a mark could be made of."""
    line = " ".join(text.split()).translate(str.maketrans("[]`|", "()'/"))
    return line if len(line) <= _MOST_VALUE else line[: _MOST_VALUE - 1] + "…"
