"""`jupyter_localllm.show.live`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_localllm.errors import CacheMiss, EngineError
from jupyter_localllm.show.live import follow, follow_answer, show_error, surface_for
from jupyter_localllm.show.surfaces import AtEnd, HeadlessSurface, NotebookSurface, SilentSurface, TerminalSurface
from jupyter_localllm.show.view import View
from jupyter_localllm.types import AskEvent, Cited, Done

from .samples import ANSWER, EVENTS, RESULT
from .test_surfaces import Shell


class Recorder:
    """Keeps the views; may fail at one of them."""

    def __init__(self, *, at: int = -1, error: BaseException | None = None) -> None:
        self.views: list[View] = []
        self.last: list[View] = []
        self._at, self._error = at, error

    def update(self, view: View) -> None:
        self.views.append(view)
        if self._error and len(self.views) == self._at:
            raise self._error

    def finish(self, view: View) -> None:
        self.last.append(view)
        if self._error and self._at == 0 and len(self.last) == 1:
            raise self._error


class Stream:
    """Events whose closing is seen; may raise instead of an event."""

    def __init__(self, *events: AskEvent | BaseException) -> None:
        self.closed = False
        self._events = iter(events)

    def __iter__(self) -> Iterator[AskEvent]:
        return self

    def __next__(self) -> AskEvent:
        event = next(self._events)
        if isinstance(event, BaseException):
            raise event
        return event

    def close(self) -> None:
        self.closed = True


def test_follow_returns_the_result() -> None:
    """Each event is a view, the last one is final, and the stream is closed."""
    stream, surface = Stream(*EVENTS), Recorder()
    assert follow(stream, surface, format="text", model="m") is RESULT
    assert len(surface.views) == len(EVENTS)
    assert surface.views[0].model == "m"
    assert {view.format for view in surface.views} == {"text"}
    assert [view.result for view in surface.last] == [RESULT]
    assert stream.closed


def test_any_iterator_will_do() -> None:
    """Events need not come from a generator."""
    assert follow(iter(EVENTS), SilentSurface()) is RESULT


@pytest.mark.parametrize("at", range(1, len(EVENTS)))
def test_interrupt_while_showing(at: int) -> None:
    """Stopped while something is shown: the stream is closed, the partial text marked, the interrupt goes on."""
    stream, surface = Stream(*EVENTS), Recorder(at=at, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        follow(stream, surface)
    assert stream.closed
    assert surface.last[-1].error == "interrupted"
    assert surface.last[-1].text == surface.views[-1].text


@pytest.mark.parametrize("at", range(len(EVENTS)))
def test_interrupt_while_waiting(at: int) -> None:
    """Stopped while the engine works: the same."""
    stream, surface = Stream(*EVENTS[:at], KeyboardInterrupt()), Recorder()
    with pytest.raises(KeyboardInterrupt):
        follow(stream, surface)
    assert stream.closed
    assert [view.error for view in surface.last] == ["interrupted"]


def test_interrupt_at_the_very_end() -> None:
    """Stopped while the finished answer is shown: it is shown, and it is not called incomplete."""
    surface = Recorder(at=0, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        follow(Stream(*EVENTS), surface)
    assert [view.result for view in surface.last] == [RESULT, RESULT]
    assert surface.last[-1].complete
    assert surface.last[-1].error == ""


def test_second_interrupt_while_closing() -> None:
    """Two interrupts in a row still leave the partial text."""

    def events() -> Iterator[AskEvent]:
        try:
            yield EVENTS[1]
            raise KeyboardInterrupt
        finally:
            raise KeyboardInterrupt

    surface = Recorder()
    with pytest.raises(KeyboardInterrupt):
        follow(events(), surface)
    assert surface.last[-1].text == "The capital"


def test_errors_keep_the_partial_text() -> None:
    """An engine that fails in the middle leaves what it said, and its own error."""
    surface = Recorder()
    with pytest.raises(EngineError, match="lost"):
        follow(Stream(*EVENTS[:3], EngineError("lost")), surface)
    assert surface.last[-1].text == "The capital of France"
    assert surface.last[-1].error == "EngineError"


def test_an_error_of_the_surface_does_not_hide_the_first() -> None:
    """The first error is the one that is told."""

    class Broken(Recorder):
        def finish(self, view: View) -> None:
            raise RuntimeError("the page is gone")

    with pytest.raises(EngineError, match="lost"):
        follow(Stream(EngineError("lost")), Broken())


def test_no_result_is_an_error() -> None:
    """A stream that just stops is not an answer."""
    surface = Recorder()
    with pytest.raises(EngineError, match="without a result"):
        follow(Stream(*EVENTS[:3]), surface)
    assert surface.last[-1].error == "EngineError"


def test_surface_for_a_notebook() -> None:
    """A notebook that looks on sees the answer grow; one that runs alone gets it at the end."""
    shell: Any = Shell()
    shell.execution_count, shell.meta = 1, {}
    assert isinstance(surface_for(shell, live=True)._surface, NotebookSurface)  # type: ignore[attr-defined]
    assert isinstance(surface_for(shell, live=False)._surface, HeadlessSurface)  # type: ignore[attr-defined]


def test_surface_without_a_front_end() -> None:
    """Without a shell, and in a terminal, text is written."""
    assert isinstance(surface_for(None, live=True), TerminalSurface)
    assert isinstance(surface_for(None, live=False), AtEnd)


def test_recorded_error() -> None:
    """An error that must not stop the notebook is seen, and found by machines."""
    shell = Shell()
    show_error(shell, CacheMiss("no <entry>", "Run it."))
    (message,) = shell.display_pub.messages
    assert message["data"]["text/plain"] == "CacheMiss: no <entry>\nRun it."
    assert "no &lt;entry&gt;" in message["data"]["text/html"]
    assert message["metadata"] == {
        "jupyter_localllm": {
            "complete": False,
            "error": {"type": "CacheMiss", "message": "no <entry>", "hint": "Run it."},
        }
    }


def test_recorded_error_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """In a terminal it is written where errors go."""
    show_error(None, CacheMiss("no entry"))
    assert capsys.readouterr() == ("", "CacheMiss: no entry\n")


def test_follow_answer_returns_the_answer() -> None:
    """From sources the answer is what comes back, shown with its marks; the result alone is what `follow` gives."""
    surface = Recorder()
    assert follow_answer(Stream(Cited(ANSWER), Done(ANSWER.result)), surface) is ANSWER
    assert surface.last[-1].answer is ANSWER
    assert follow(Stream(Cited(ANSWER), Done(ANSWER.result)), SilentSurface()) is ANSWER.result


def test_follow_answer_needs_an_answer() -> None:
    """A stream without one is an error, and not a None that breaks somewhere else."""
    with pytest.raises(EngineError, match="without a result"):
        follow_answer(Stream(*EVENTS), SilentSurface())
    with pytest.raises(EngineError, match="without a result"):
        follow_answer(Stream(Cited(ANSWER)), SilentSurface())
