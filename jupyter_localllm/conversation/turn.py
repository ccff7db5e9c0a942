"""One question with its answer, and where it stands in the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.types import Answer, Result

__all__ = ["Output", "Place", "Turn"]

Output = tuple[Mapping[str, Any], Mapping[str, Any]]


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
        The output that was loaded with the turn.
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
        if self.saved is not None:
            return self.saved
        from jupyter_localllm.show.bundle import bundle
        from jupyter_localllm.show.view import view_of

        return bundle(view_of(self.made if self.made is not None else Result(self.answer)))

    def document(self, *, outputs: bool = False) -> dict[str, Any]:
        """As it is saved: what a question of a cell has, and more only where there is more."""
        place = {"cell": self.place.cell, "index": self.place.index} if self.place is not None else None
        more = {
            "request": self.request,
            "asked": self.asked,
            "attachments": list(self.attachments),
            "task": self.task if self.task != "chat" else "",
            "output": dict(zip(("data", "metadata"), self.output(), strict=True)) if outputs else None,
        }
        return {
            **{"question": self.question, "answer": self.answer, "place": place, "stale": self.stale},
            **{name: value for name, value in more.items() if value},
        }

    @classmethod
    def of(cls, document: Any) -> Turn:
        """What `document` made, by this version or by the first; raises KeyError, TypeError or ValueError otherwise."""
        place, output = document["place"], document.get("output")
        attachments = document.get("attachments") or ()
        if not all(isinstance(one, dict) for one in attachments):
            raise TypeError("an attachment is an object")
        if output is not None and not (isinstance(output["data"], dict) and isinstance(output["metadata"], dict)):
            raise TypeError("an output has data and metadata")
        return cls(
            str(document["question"]),
            str(document["answer"]),
            Place(str(place["cell"]), int(place["index"])) if place else None,
            bool(document["stale"]),
            request=str(document.get("request") or ""),
            asked=str(document.get("asked") or ""),
            attachments=tuple(attachments),
            task=str(document.get("task") or "chat"),
            saved=None if output is None else (output["data"], output["metadata"]),
        )
