"""What is known of an answer at one moment, and how an event changes it.

`fold` is pure: time comes in as a number. All that people see is made from a `View`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from jupyter_localllm.types import (
    Answer,
    AskEvent,
    Called,
    Cited,
    Done,
    FinishReason,
    Note,
    Result,
    Revised,
    Status,
    ToolCall,
    united,
)

__all__ = ["Format", "View", "failed", "fold", "view_of"]

Format = Literal["markdown", "text", "json", "code", "value"]

# Notes about this run and not about the answer: they are told, but never saved in the data of the output.
_OF_THIS_RUN = frozenset({"cache"})


@dataclass(frozen=True)
class View:
    """An answer, growing, finished or broken off.

    Parameters
    ----------
    text : str
        The answer so far.
    reasoning : str
        The reasoning channel so far.
    status : Status or None
        The last thing that was said to be going on; ``None`` once there is text.
    tokens : int
        Pieces of text that came so far; the number of tokens once the answer is finished.
    tokens_per_second : float
        Measured here, from the first piece to the last; 0 before there are two.
    model : str
        The model's name, if known.
    result : Result or None
        The finished generation.
    error : str
        Why the answer ends before its end: ``"interrupted"`` or the name of an exception.
    format : {"markdown", "text", "json", "code", "value"}
        How the text is shown; ``"value"``: as what it is under a schema.
    first_ms : float or None
        When the first piece came.
    answer : Answer or None
        The answer with its checked marks, if it was made from sources; its text is the one that is shown.
    calls : tuple of ToolCall
        The calls of tools so far.
    remote : str
        Addresses outside of this machine that were asked so far, as `jupyter_localllm.types.united` writes them.
    name : str
        The variable that the answer is bound to; empty if there is none, or if that is not known.
    question : str
        As it stands in the notebook, for those who read the saved output; empty if that is not known.

    Examples
    --------
    >>> from jupyter_localllm.types import Token
    >>> view = fold(fold(View(), Token("It is"), 0.0), Token(" Paris."), 10.0)
    >>> view.text, view.tokens, view.tokens_per_second
    ('It is Paris.', 2, 100.0)
    """

    text: str = ""
    reasoning: str = ""
    status: Status | None = None
    tokens: int = 0
    tokens_per_second: float = 0.0
    model: str = ""
    result: Result | None = None
    error: str = ""
    format: Format = "markdown"
    first_ms: float | None = None
    answer: Answer | None = None
    calls: tuple[ToolCall, ...] = ()
    remote: str = ""
    name: str = ""
    question: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.result is not None or bool(self.error)

    @property
    def complete(self) -> bool:
        """Whether the answer came to an end of its own or to its limit."""
        return self.result is not None and self.result.finish_reason != "interrupted"

    @property
    def finish_reason(self) -> FinishReason | None:
        """How the generation ended; ``None`` while it runs. An answer that an error broke off is interrupted."""
        if self.result is not None:
            return self.result.finish_reason
        return "interrupted" if self.error else None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the reader must be told about the answer."""
        notes = [note for note in self.result.notes if note.code not in _OF_THIS_RUN] if self.result else []
        codes = {note.code for note in notes}
        if self.result and self.result.finish_reason == "length" and "length" not in codes:
            limit = self.result.provenance.max_tokens
            at = f"max_tokens ({limit:,})" if limit else "max_tokens"
            notes.append(Note("length", f"stopped at {at}: raise it for more"))
        if self.complete and not self.text.strip():
            notes.append(Note("empty", "the answer is empty"))
        if self.finish_reason == "interrupted" and "interrupted" not in codes:
            broken = self.error not in ("", "interrupted")
            notes.append(
                Note("error", f"{self.error}: incomplete") if broken else Note("interrupted", "interrupted: incomplete")
            )
        return tuple(notes)

    @property
    def passing_notes(self) -> tuple[Note, ...]:
        """What is worth telling about this run, and is not true of the next."""
        return tuple(note for note in self.result.notes if note.code in _OF_THIS_RUN) if self.result else ()


def fold(view: View, event: AskEvent, now_ms: float) -> View:
    """The view after an event.

    Parameters
    ----------
    view : View
    event : Status, Token, Revised, Called, Cited or Done
    now_ms : float
        When it came, in milliseconds of any clock that does not go back.

    Returns
    -------
    View
    """
    if isinstance(event, Done):
        result = event.result
        return replace(
            view,
            text=view.answer.text if view.answer is not None else result.text,
            reasoning=result.reasoning,
            status=None,
            tokens=result.usage.completion_tokens or view.tokens,
            tokens_per_second=result.timings.tokens_per_second or view.tokens_per_second,
            model=result.model or view.model,
            result=result,
            calls=result.calls or view.calls,
            remote=united(view.remote, result.provenance.remote),
        )
    if isinstance(event, Status):
        text = "" if event.stage == "retry" else view.text
        return replace(view, status=event, text=text, remote=united(view.remote, event.remote))
    if isinstance(event, Revised):
        return replace(view, text=event.text, status=None)
    if isinstance(event, Called):
        return replace(view, calls=(*view.calls, event.call), status=None)
    if isinstance(event, Cited):
        return replace(view, text=event.answer.text, answer=event.answer, status=None)
    first_ms = now_ms if view.first_ms is None else view.first_ms
    elapsed_s = (now_ms - first_ms) / 1000
    return replace(
        view,
        text=view.text + event.text if event.channel == "answer" else view.text,
        reasoning=view.reasoning + event.text if event.channel == "reasoning" else view.reasoning,
        status=None,
        tokens=view.tokens + 1,
        # The first piece only starts the clock.
        tokens_per_second=view.tokens / elapsed_s if elapsed_s > 0 else 0.0,
        first_ms=first_ms,
    )


def failed(view: View, error: BaseException) -> View:
    """The view after the stream broke off."""
    reason = "interrupted" if isinstance(error, (KeyboardInterrupt, GeneratorExit)) else type(error).__name__
    return replace(view, status=None, error=reason)


def view_of(what: Result | Answer, **values: Any) -> View:
    """The view of something that is finished.

    Parameters
    ----------
    what : Result or Answer
    **values
        Fields of the `View`, as ``format``.

    Examples
    --------
    >>> view_of(Answer("It is 3 [1].", result=Result("It is 3."))).text
    'It is 3 [1].'
    """
    if isinstance(what, Result) and what.value is not None:
        values.setdefault("format", "value")
    view = View(**values)
    if isinstance(what, Answer):
        return fold(fold(view, Cited(what), 0.0), Done(what.result), 0.0)
    return fold(view, Done(what), 0.0)
