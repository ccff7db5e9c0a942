"""What is said: without the model, and with its words where they are better."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.answering.evidence import Evidence
from jupyter_localllm.answering.excerpt import excerpt, speaks_of
from jupyter_localllm.answering.others import Claim, Other, also, otherwise, values_of
from jupyter_localllm.answering.prompt import NOT_FOUND
from jupyter_localllm.types import Citation, Passage

__all__ = ["Draft", "from_texts", "plain", "quoted", "worded"]

_LIKE_A_MARK = re.compile(r"\[(?=\s*[\d?])")  # a footnote in a cell must not pass for a mark of ours
_WORDS = 3  # that are told to be missing
_REPEATED = 3  # claims of an answer that goes in circles


@dataclass(frozen=True)
class Draft:
    """An answer before it is finished.

    Parameters
    ----------
    text : str
        With its marks.
    citations : tuple of Citation
    abstained : bool
        Whether it says that the sources do not answer.
    stated : bool
        Whether it is in the source's words and not in the model's.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    stated: bool = False


def plain(evidence: Evidence) -> Draft:
    """What can be said without the model: what was computed, or that the question is not answered."""
    if evidence.enough and evidence.statements:
        return _listed(evidence, "")
    if evidence.enough:
        return Draft("")
    if not evidence.possible:
        return _nearest(evidence) if evidence.passages else Draft(NOT_FOUND, abstained=True, stated=True)
    unfound = f": nothing was found for {quoted(evidence.unmet)}" if evidence.unmet else ""
    return replace(
        _listed(evidence, f"How this is meant is not certain{unfound}. It may be read as:\n"), abstained=True
    )


def _nearest(evidence: Evidence) -> Draft:
    """That the texts do not answer, of what they say nothing, and the passage that speaks of the rest."""
    assert evidence.choice is not None
    lacking = f" says nothing of {quoted(evidence.unmet)}" if evidence.unmet else ""
    head = f"{NOT_FOUND} The nearest passage{lacking}:\n\n"
    (passage,) = evidence.passages
    said, told = _stated(excerpt(passage.text, evidence.choice.asked), [1], [passage], len(head))
    return Draft(head + said, told, abstained=True, stated=True)


def quoted(words: Sequence[str]) -> str:
    """Some words of a question, as they are told."""
    return ", ".join(f"“{word}”" for word in words[:_WORDS])


def worded(text: str, citations: tuple[Citation, ...], evidence: Evidence) -> Draft | None:
    """The model's wording of what was computed: every claim carried by a source, and every result in it."""
    carried = {citation.status for citation in citations} == {"supported"}
    whole = all(_names(text, result) for result in evidence.results) and not _told_in_part(evidence)
    return Draft(text.strip(), _moved(citations, text)) if carried and whole else None


def _names(text: str, result: str) -> bool:
    """Whether a result stands in a text, and not only in a longer word or number: 5 does not stand in 15."""
    around = "[0-9A-Za-z\u00c0-\u024f]"
    return re.search(rf"(?<!{around})(?<!\d[.,]){re.escape(result)}(?!{around}|[.,]\d)", text) is not None


def _told_in_part(evidence: Evidence) -> bool:
    """Whether there are more results than are written out: the model knows of none of the others."""
    outcome = evidence.reading.outcome if evidence.reading is not None else None
    return outcome is not None and bool(outcome.more or outcome.empty)


def from_texts(text: str, citations: tuple[Citation, ...], evidence: Evidence, question: str) -> Draft:
    """The model's answer from texts, if anything in it is carried; else the passage that speaks of the question.

    What other sources say otherwise is told behind it.
    """
    assert evidence.choice is not None
    asked = evidence.choice.asked
    supported = [text[one.start : one.end] for one in citations if one.status == "supported"]
    in_circles = len(supported) > _REPEATED and len(set(supported)) <= len(supported) // 2
    if not in_circles and any(speaks_of(claim, asked) for claim in supported):
        return _with_others(Draft(text.strip(), _moved(citations, text)), evidence, question)
    speaking = [one for one in evidence.choice.coverage.speaking if one in evidence.passages] or evidence.passages
    best = next((one.passage for one in evidence.choice.ranked if one.passage in speaking), None)
    if best is None:
        return Draft(NOT_FOUND, abstained=True)
    said, told = _stated(excerpt(best.text, asked), [evidence.passages.index(best) + 1], [best])
    return _with_others(Draft(said, told, stated=True), evidence, question)


def _listed(evidence: Evidence, text: str) -> Draft:
    """The statements, each with its marks: one as a sentence, several as a list."""
    told: list[Citation] = []
    several = bool(text) or len(evidence.statements) > 1
    for number, (statement, passage) in enumerate(zip(evidence.statements, evidence.passages, strict=False), 1):
        text += ("\n" if text else "") + ("- " if several else "")
        numbers, passages = [number], [passage]
        if number == 1:
            numbers += [evidence.passages.index(one) + 1 for one in evidence.agreeing]
            passages += evidence.agreeing
        against = passage in (other.passage for other in evidence.others)
        reason = "another value than [1]" if against else "what the source says"
        line, citations = _stated(statement, numbers, passages, len(text), reason)
        text += line
        told += citations
    return Draft(text, tuple(told), stated=True)


def _stated(
    statement: str,
    numbers: Sequence[int],
    passages: Sequence[Passage],
    start: int = 0,
    reason: str = "what the source says",
) -> tuple[str, tuple[Citation, ...]]:
    statement = _LIKE_A_MARK.sub("[\u2060", statement).rstrip(".")
    marks = "".join(f"[{number}]" for number in numbers)
    return f"{statement} {marks}.", tuple(
        Citation(n, one.source, one.locator, one.text, start, start + len(statement), "supported", reason)
        for n, one in zip(numbers, passages, strict=True)
    )


def _with_others(draft: Draft, evidence: Evidence, question: str) -> Draft:
    """The answer, and behind it what sources that it does not cite say instead."""
    for other, number in _others(draft, evidence, question):
        text = f"{draft.text}\n\n"
        at = evidence.passages.index(other.passage) + 1
        said, told = _stated(other.statement, [at], [other.passage], len(text), f"another value than [{number}]")
        draft = replace(draft, text=text + said, citations=(*draft.citations, *told))
    return draft


def _others(draft: Draft, evidence: Evidence, question: str) -> Iterator[tuple[Other, int]]:
    """Each other source's word on a claim, once, with the mark of the claim."""
    assert evidence.choice is not None
    cited = {citation.source for citation in draft.citations}
    passages = [passage for passage in evidence.passages if passage.source not in cited]
    for citation in draft.citations:
        text = draft.text[citation.start : citation.end]
        values = values_of(text, question)
        if not passages or citation.status != "supported" or not values:
            continue
        claim = Claim(text, values, citation.source)
        agreeing = also(claim, question, passages)
        for other in otherwise(claim, question, evidence.choice.asked, passages, agreeing):
            passages = [passage for passage in passages if passage.source != other.passage.source]
            yield other, citation.number


def _moved(citations: tuple[Citation, ...], text: str) -> tuple[Citation, ...]:
    """Spans after the blanks before the text are gone."""
    by = len(text) - len(text.lstrip())
    return tuple(replace(c, start=c.start - by, end=c.end - by) for c in citations) if by else citations
