"""An answer of a notebook as a part of the page: its text with marks, what must be told of it, its row in the table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from jupyter_localllm.conversation.again import made_of
from jupyter_localllm.report.collect import KeptAnswer
from jupyter_localllm.report.page.notes import Footnotes
from jupyter_localllm.report.page.sanitize import sanitized
from jupyter_localllm.report.tidy import mapping
from jupyter_localllm.show.formats import shown
from jupyter_localllm.show.listing import SIGNS, clipped, looked_at, one_line, reading
from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Answer, CitationStatus

__all__ = ["Told", "told"]

_LONGEST_QUESTION = 140
_STATES = {True: "from the cache", False: "asked the model", None: ""}


@dataclass(frozen=True)
class Told:
    """An answer as the page tells it.

    Parameters
    ----------
    number : int
        Counted through on the page, from 1.
    cell : int
        1-based number of the cell in the notebook.
    kind : {"answer", "map", "error"}
    body : Markup
        The text; of a map the outcome.
    above, notes : tuple of str
        What stands above the text (calls of tools, where it was sent), and what must be told below it.
    asked : str
        The question, where it is a short one: what is long is a prompt, and not for the reader of a report.
    question, name, model, seed, cache, citations : str
        For its row in the table, and the line below it.
    doubtful : bool
        Whether something of it is not supported, or not whole.
    shown : bool
        Whether it stands on the page; one in a cell that is left out has its row alone.
    """

    number: int
    cell: int
    kind: str
    body: Markup
    above: tuple[str, ...]
    notes: tuple[str, ...]
    asked: str
    question: str
    name: str
    model: str
    seed: str
    cache: str
    citations: str
    doubtful: bool
    shown: bool = True

    @property
    def facts(self) -> str:
        """The line below the answer."""
        return " · ".join(words for words in (self.model, self.cache, self.citations) if words)


def told(kept: KeptAnswer, number: int, saved_html: str, notes: Footnotes) -> Told:
    """Tell an answer.

    Parameters
    ----------
    kept : KeptAnswer
    number : int
    saved_html : str
        The output's HTML, of which only a map's is used, sanitized; an answer's is made anew of its text.
    notes : Footnotes
        Gets its sources.
    """
    body = Markup("")
    above: list[str] = []
    below: list[str] = []
    if kept.kind == "map":
        body = sanitized(saved_html) if saved_html else Markup("<p>{}</p>").format(clean(kept.text))
    elif kept.kind == "error":
        below = [part for part in (kept.error, str(mapping(kept.record.get("error")).get("hint", ""))) if part]
    else:
        body, above, below = _answer(kept, number, notes)
    if remote := kept.record.get("remote"):
        above = [f"Sent to {one_line(str(remote))}", *above]
    return Told(
        number=number,
        cell=kept.cell + 1,
        kind=kept.kind,
        body=body,
        above=tuple(above),
        notes=tuple(map(clean, below)),
        asked=one_line(kept.question or "") if _is_short(kept.question or "") else "",
        question=clipped(one_line(kept.question or ""), _LONGEST_QUESTION),
        name=one_line(kept.name or ""),
        model=_model(kept),
        seed="" if kept.seed is None else str(kept.seed),
        cache=_cache(kept),
        citations=_citations(kept),
        doubtful=bool(kept.unsupported or kept.stale or kept.error),
    )


def _model(kept: KeptAnswer) -> str:
    """The model's name; of a router, the one that it chose."""
    chosen = kept.record.get("answered_by")
    return f"{one_line(chosen)} (router)" if isinstance(chosen, str) and chosen else one_line(kept.model or "")


def _is_short(question: str) -> bool:
    return len(question) <= _LONGEST_QUESTION and "\n" not in question and "{{" not in question


def _answer(kept: KeptAnswer, number: int, notes: Footnotes) -> tuple[Markup, list[str], list[str]]:
    from jupyter_localllm.show.calls import as_plain

    made = made_of(kept.text, dict(kept.data))
    form = str(kept.data.get("format"))
    if made is None or form not in ("markdown", "text", "json", "code"):
        return Markup(shown(kept.text, "text").html), [], [kept.error] if kept.error else []
    result = made.result if isinstance(made, Answer) else made
    above = as_plain(result.calls).splitlines() if result.calls else []
    below = [note.text for note in result.notes]
    if isinstance(made, Answer) and form in ("markdown", "text"):
        if made.abstained:
            below += [reading(made), *looked_at(made, 5)]
        return _with_marks(made, form, number, notes), above, below
    made_html = shown(kept.text, "value" if form == "json" else form, ended=True)  # type: ignore[arg-type]
    return Markup(made_html.html), above, below + ([made_html.remark] if made_html.remark else [])


def _with_marks(answer: Answer, form: str, number: int, notes: Footnotes) -> Markup:
    from jupyter_localllm.show.marks import find, mark_up

    def render(text: str) -> str:
        return shown(text, form, ended=False).html  # type: ignore[arg-type]

    writer = notes.of(answer, number)
    html = mark_up(answer.text, find(answer), render, writer)
    writer.finish()
    return Markup(html)


def _cache(kept: KeptAnswer) -> str:
    if kept.kind != "map" or kept.cached or not isinstance(kept.record.get("rows"), int):
        return _STATES[kept.cached] or ("the model was not asked" if kept.kind == "answer" and not kept.error else "")
    cached = mapping(kept.record.get("volatile")).get("cached")
    rows = kept.record["rows"]
    return f"{cached:,} of {rows:,} rows from the cache" if isinstance(cached, int) else ""


def _citations(kept: KeptAnswer) -> str:
    counts: tuple[tuple[CitationStatus, int], ...] = (
        ("supported", kept.supported),
        ("unsupported", kept.unsupported),
        ("stale", kept.stale),
        ("unchecked", kept.unchecked),
    )
    told = ", ".join(f"{SIGNS[status]} {count:,} {status}" for status, count in counts if count)
    if told or kept.kind != "answer" or "citations" not in kept.data:
        return told
    return "not in the sources" if kept.abstained else "none" if kept.data.get("passages") else ""
