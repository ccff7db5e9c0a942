"""One question with its answer, and where it stands in the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_localllm.conversation.again import REQUEST, TASKS, attachments_of, made_of
from jupyter_localllm.types import Answer, Result

__all__ = ["Output", "Place", "Turn"]

Output = tuple[Mapping[str, Any], Mapping[str, Any]]

_MOST_MARKDOWN = 30_000  # characters of a saved answer; a file may hold what takes a renderer minutes
_FORMATS = ("markdown", "text", "json", "code")


@dataclass(frozen=True)
class Place:
    """Where in the notebook a question stands, so that running it again replaces its turn.

    Parameters
    ----------
    cell : str
        The cell's id as the front end sends it.
    index : int
        0-based number of the question among those of this execution of the cell.
    """

    cell: str
    index: int = 0


@dataclass(frozen=True)
class Turn:
    """One question with its answer.

    Parameters
    ----------
    question, answer : str
    place : Place or None
    stale : bool
        Whether an earlier turn was asked anew after this one was answered.
    request : str
        The panel's name for it; empty for questions of cells.
    asked : str
        What the model read, where that is more than the question: the cells that came with it. Empty otherwise.
    attachments : tuple of Mapping
        What came with the question, as docs/protocol.md has it.
    task : {"chat", "explain", "fix"}
    saved : (data, metadata) or None
        The output that was loaded with the turn. Only our own JSON and its metadata are read; HTML, Markdown and text
        are made anew of them, as a file may come from anybody.
    made : Result, Answer or None
        What the answer is the text of.
    """

    question: str
    answer: str
    place: Place | None = None
    stale: bool = False
    request: str = ""
    asked: str = ""
    attachments: tuple[Mapping[str, Any], ...] = ()
    task: str = "chat"
    saved: Output | None = field(default=None, repr=False)
    made: Result | Answer | None = field(default=None, repr=False, compare=False)

    def output(self) -> Output:
        """The data and the metadata of the answer's output, as a cell would show it."""
        from jupyter_localllm.show.bundle import bundle
        from jupyter_localllm.show.view import view_of

        if self.saved is not None:
            return self._again(*self.saved)
        if self.made is not None:
            return bundle(view_of(self.made))
        return bundle(view_of(Result(self.answer), format=self._form))

    @property
    def _form(self) -> Literal["markdown", "text"]:
        """How the answer is shown where nothing but its text is known."""
        return "markdown" if len(self.answer) <= _MOST_MARKDOWN else "text"

    def _again(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Output:
        """The output of what was saved, made anew; of the text alone where the rest is not to be had."""
        from jupyter_localllm.show.bundle import ANSWER_MIME, METADATA_KEY, bundle
        from jupyter_localllm.show.view import view_of

        told, facts = data.get(ANSWER_MIME), metadata.get(METADATA_KEY)
        of_made = {METADATA_KEY: facts} if isinstance(facts, dict) else None
        made = made_of(self.answer, told) if self._form == "markdown" else None
        if made is not None and isinstance(told, Mapping):
            form = told.get("format")
            try:
                again, ours = bundle(view_of(made, format=form if form in _FORMATS else "markdown"))
                return {**again, ANSWER_MIME: told}, of_made or ours
            except Exception:
                pass
        again, ours = bundle(view_of(Result(self.answer), format=self._form))
        return again, of_made or ours

    def _record(self) -> dict[str, Any]:
        """What of the output is saved: all that is not made anew."""
        from jupyter_localllm.show.bundle import ANSWER_MIME, METADATA_KEY, record
        from jupyter_localllm.show.view import view_of

        if self.saved is not None:
            data, metadata = self.saved
        else:
            data, metadata = record(view_of(self.made if self.made is not None else Result(self.answer)))
        return {
            "data": {ANSWER_MIME: data.get(ANSWER_MIME)},
            "metadata": {METADATA_KEY: metadata.get(METADATA_KEY)},
        }

    def document(self, *, outputs: bool = False) -> dict[str, Any]:
        """As it is saved: what a question of a cell has, and more only where there is more."""
        place = {"cell": self.place.cell, "index": self.place.index} if self.place is not None else None
        more = {
            "request": self.request,
            "asked": self.asked,
            "attachments": list(self.attachments),
            "task": self.task if self.task != "chat" else "",
            "output": self._record() if outputs else None,
        }
        return {
            **{"question": self.question, "answer": self.answer, "place": place, "stale": self.stale},
            **{name: value for name, value in more.items() if value},
        }

    @classmethod
    def of(cls, document: Any) -> Turn:
        """What `document` made, by this version or by the first; raises KeyError, TypeError or ValueError otherwise."""
        place, output, request = document["place"], document.get("output"), str(document.get("request") or "")
        if output is not None and not (isinstance(output["data"], dict) and isinstance(output["metadata"], dict)):
            raise TypeError("an output has data and metadata")
        task = document.get("task")
        return cls(
            str(document["question"]),
            str(document["answer"]),
            Place(str(place["cell"]), int(place["index"])) if place else None,
            bool(document["stale"]),
            request=request if REQUEST.fullmatch(request) else "",
            asked=str(document.get("asked") or ""),
            attachments=attachments_of(document.get("attachments")),
            task=task if task in TASKS else "chat",
            saved=None if output is None else (output["data"], output["metadata"]),
        )
