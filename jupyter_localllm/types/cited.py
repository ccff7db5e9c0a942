"""What an answer rests on: passages of sources, where they stand, and the claims that cite them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Union

from jupyter_localllm.types.answered import Done, Result, Revised, Status, Token
from jupyter_localllm.types.called import Called

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "AskEvent", "Citation", "CitationStatus", "Cited", "Locator", "Passage", "show_with"]

CitationStatus = Literal["supported", "unsupported", "unchecked", "stale"]


@dataclass(frozen=True)
class Locator:
    """Where in a source a passage stands; what does not apply is None or empty.

    Parameters
    ----------
    rows : tuple of int or None
        Positions of rows, counted from 0; None where all rows or none are meant.
    columns : tuple of str
        Names of columns.
    lines : (int, int) or None
        First and last line, counted from 1.
    page : int or None
        Page of a document, counted from 1.
    path : str or None
        JSON pointer (RFC 6901) of a value in nested data.
    operation : str or None
        What was computed, as ``"mean(price) where region == 'EU'"``.
    label : str
        The place in words for people, with labels as well as positions, as ``"row 4 (Berlin), column Population"``.

    Examples
    --------
    >>> Locator(rows=(3,), columns=("Population",), label="row 4 (Berlin), column Population").rows
    (3,)
    """

    rows: tuple[int, ...] | None = None
    columns: tuple[str, ...] = ()
    lines: tuple[int, int] | None = None
    page: int | None = None
    path: str | None = None
    operation: str | None = None
    label: str = ""


@dataclass(frozen=True)
class Passage:
    """A piece of a source that can be cited.

    Parameters
    ----------
    source : str
        Name of the variable.
    kind : str
        ``"schema"``, ``"cell"``, ``"row"``, ``"rows"``, ``"statistic"``, ``"computed"``, ``"text"``, ``"value"``,
        ``"code"``, ``"tool"`` (what a call gave).
    text : str
        What it says, as the model and the reader get it.
    locator : Locator
    sha256 : str
        Of the content that the passage was made of, not of its wording: it tells whether the variable has changed.
    value : str
        The one thing the passage says, as it stands in the source: of ``"Years of Nicholas T. Kane: 1887"`` the
        ``"1887"``. Empty where there is more than one.
    shown : tuple of tuple of str
        Rows of texts for the reader, the header first, where the passage is of a table. No part of the prompt.
    """

    source: str
    kind: str
    text: str
    locator: Locator = Locator()
    sha256: str = ""
    value: str = ""
    shown: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Citation:
    """A claim of an answer, and what it rests on.

    Parameters
    ----------
    number : int
        The number in the mark ``[1]``; 0 for a claim that no passage carries.
    source : str
        Name of the variable; empty for a claim that no passage carries.
    locator : Locator
    quote : str
        What the cited passage says.
    start, end : int
        Span of the claim in the answer's text, in characters.
    status : {"supported", "unsupported", "unchecked", "stale"}
        ``"supported"``: the cited passages together carry every number, date and name of the claim.
        ``"unsupported"``: they do not. ``"unchecked"``: the claim holds nothing that could be looked up.
        ``"stale"``: the variable has changed since.
    reason : str
        Why, in a sentence for people: which derivation carries the claim, or what is not in the sources.
    """

    number: int
    source: str = ""
    locator: Locator = Locator()
    quote: str = ""
    start: int = 0
    end: int = 0
    status: CitationStatus = "unchecked"
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer from sources, with its marks checked.

    ``str(answer)`` is its text.

    Parameters
    ----------
    text : str
        The answer with its marks, ``"… 1887 [1]."``
    citations : tuple of Citation
        In the order of the text; a claim that rests on two passages stands twice.
    passages : tuple of Passage
        What the model was given; number ``n`` is ``passages[n - 1]``.
    result : Result
        The generation: tokens, times, provenance, notes.
    value : object
        What was computed or looked up, as Python has it; None where nothing was.
    reading : str
        How the question was read, as ``"mean of price where region is EU"``; empty where it was not read as a
        computation.
    abstained : bool
        Whether the sources were found not to answer the question, or its reading too uncertain.
    checker : callable or None
        What `check` calls.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    result: Result = field(default_factory=lambda: Result(""))
    value: Any = None
    reading: str = ""
    abstained: bool = False
    checker: Callable[[Answer, Mapping[str, Any] | None], Answer] | None = field(
        default=None, repr=False, compare=False
    )

    def __str__(self) -> str:
        return self.text

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: everything but `checker`, which holds on to variables of this process."""
        return {**self.__dict__, "checker": None}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """What Jupyter shows; plain text until the room that shows answers has been imported (see `show_with`)."""
        return _SHOW[-1](self) if _SHOW else ({"text/plain": self.text}, {})

    @property
    def cached(self) -> bool:
        """Whether the model's part was replayed from the cache."""
        return self.result.cached

    @property
    def supported(self) -> bool:
        """Whether every claim that could be checked is carried by what it cites, and there is one."""
        told = [citation.status for citation in self.citations]
        return "supported" in told and not {"unsupported", "stale"} & set(told)

    def check(self, sources: Mapping[str, Any] | None = None) -> Answer:
        """Check again, against the variables as they are now.

        Parameters
        ----------
        sources : Mapping, optional
            The variables by name. Default: the notebook's, or those that were given to ``ask``.

        Returns
        -------
        Answer
            The same text; citations whose variable has changed say ``"stale"``.
        """
        if self.checker is None:
            return replace(self, citations=tuple(replace(c, status="unchecked") for c in self.citations))
        return self.checker(self, sources)

    def to_frame(self) -> Any:
        """Citations as a pandas frame: one row each, with number, source, place, quote, status and claim.

        Raises
        ------
        ModuleNotFoundError
            pandas is not installed.
        """
        import pandas as pd

        columns = ["number", "source", "place", "quote", "status", "reason", "claim"]
        rows = [
            (c.number, c.source, c.locator.label, c.quote, c.status, c.reason, self.text[c.start : c.end])
            for c in self.citations
        ]
        return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True)
class Cited:
    """The event before `Done` in a stream from sources: the answer with its marks checked.

    Parameters
    ----------
    answer : Answer
        Its ``result`` is the one that `Done` carries.
    """

    answer: Answer


AskEvent = Union[Status, Token, Revised, Called, Cited, Done]
"""What a stream from sources or with tools sends: the events of an engine, those of the check, and calls."""

Shower = Callable[[Answer], "tuple[dict[str, Any], dict[str, Any]]"]

_SHOW: list[Shower] = []


def show_with(shower: Shower) -> None:
    """Say how answers are shown in Jupyter: this room imports nothing, so the room that shows tells it.

    Parameters
    ----------
    shower : callable
        From an answer to the data and the metadata of an output.
    """
    _SHOW[:] = [shower]
