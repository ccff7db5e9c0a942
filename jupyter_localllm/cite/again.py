"""Checking an answer again, against the variables as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.types import Answer, Citation, Locator, Passage

__all__ = ["check_again"]

_MOST = 80


def check_again(answer: Answer, resolve: Callable[[str, Locator], Passage | None]) -> Answer:
    """Look each citation up again.

    Parameters
    ----------
    answer : Answer
    resolve : callable
        Gives the passage at a place of a variable as it is now, or None if there is no such place or variable. What it
        raises of our own errors counts as None and is told.

    Returns
    -------
    Answer
        The same text. Citations whose passage has changed or is gone say ``"stale"``, and why; those of which nothing
        has changed are ``"supported"``. Claims that no passage carries stay as they are.
    """
    found: dict[tuple[str, Locator], tuple[Passage | None, str]] = {}

    def now(citation: Citation) -> tuple[Passage | None, str]:
        place = (citation.source, citation.locator)
        if place not in found:
            try:
                found[place] = resolve(*place), ""
            except LocalLLMError as error:
                found[place] = None, error.message
        return found[place]

    return replace(answer, citations=tuple(_again(c, answer, now) for c in answer.citations))


def _again(citation: Citation, answer: Answer, now: Callable[[Citation], tuple[Passage | None, str]]) -> Citation:
    if not 1 <= citation.number <= len(answer.passages):
        return citation
    cited = answer.passages[citation.number - 1]
    passage, trouble = now(citation)
    place = citation.locator.label or cited.locator.label
    if passage is None:
        gone = trouble or (f"there is no {place} any more" if place else "it is not there any more")
        return replace(citation, status="stale", reason=f"{citation.source}: {gone}")
    if passage.sha256 == cited.sha256 and passage.sha256:
        stale = citation.status == "stale"
        return replace(citation, status="supported", reason="" if stale else citation.reason)
    if not passage.sha256 and passage.text == cited.text:
        return replace(citation, status="supported", reason="" if citation.status == "stale" else citation.reason)
    says = " ".join((passage.value or passage.text).split())
    says = says if len(says) <= _MOST else says[: _MOST - 1] + "…"
    where = f"{place} now says {says}" if place else f"it now says {says}"
    return replace(citation, status="stale", reason=f"{citation.source} has changed: {where}")
