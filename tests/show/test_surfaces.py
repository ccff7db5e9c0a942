"""`jupyter_localllm.show.surfaces`."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from typing import Any

import pytest

from jupyter_localllm.show.bundle import bundle
from jupyter_localllm.show.surfaces import AtEnd, HeadlessSurface, NotebookSurface, SilentSurface, TerminalSurface
from jupyter_localllm.show.view import View, failed, fold
from jupyter_localllm.types import AskEvent, Cited, Done, Result, Revised, Status, Token

from .samples import ANSWER, CITED_TEXT, EVENTS, MODEL, RESULT, TEXT, note, result


class Publisher:
    """Keeps what is published, as a front end would show it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.during: Any = None

    def publish(self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False) -> None:
        if self.during:
            self.during()
        self.messages.append({"data": data, "metadata": metadata, "transient": transient, "update": update})

    @property
    def ids(self) -> set[str]:
        return {message["transient"]["display_id"] for message in self.messages}


class Shell:
    def __init__(self) -> None:
        self.display_pub = Publisher()


class Clock:
    """Goes on by a step with each look."""

    def __init__(self, step_ms: float = 0.0) -> None:
        self.now = 0.0
        self.step = step_ms

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def feed(surface: Any, events: tuple[AskEvent, ...], *, clock: Clock | None = None, step_ms: float = 10.0) -> View:
    view = View(model=MODEL)
    for event in events:
        if clock:
            clock.now += step_ms
        view = fold(view, event, clock.now if clock else 0.0)
        surface.update(view)
    return view


# ---------------------------------------------------------------------------------------------------------------------
# Notebooks


def test_notebook_has_one_display_that_grows() -> None:
    """One display, made once and then updated, with metadata each time; the last one is the whole answer."""
    shell, clock = Shell(), Clock()
    surface = NotebookSurface(shell, clock=clock)
    view = feed(surface, EVENTS, clock=clock, step_ms=200.0)
    surface.finish(view)
    messages = shell.display_pub.messages
    assert len(shell.display_pub.ids) == 1
    assert [message["update"] for message in messages] == [False] + [True] * (len(messages) - 1)
    assert all("jupyter_localllm" in message["metadata"] for message in messages)
    assert (messages[-1]["data"], messages[-1]["metadata"]) == bundle(view)
    assert [message["data"]["text/plain"] for message in messages[:3]] == ["", "The capital", "The capital of France"]


def test_two_answers_are_two_displays() -> None:
    """Each answer has its own output."""
    shell = Shell()
    for _ in range(2):
        NotebookSurface(shell).finish(View(result=RESULT))
    assert len(shell.display_pub.ids) == 2


def test_updates_are_paced() -> None:
    """A hundred tokens a second are ten updates, and the last is never left out."""
    shell, clock = Shell(), Clock()
    surface = NotebookSurface(shell, clock=clock)
    view = feed(surface, tuple(Token(f"{number} ") for number in range(300)), clock=clock, step_ms=10.0)
    assert 28 <= len(shell.display_pub.messages) <= 31
    surface.finish(fold(view, Done(RESULT), clock.now))
    assert shell.display_pub.messages[-1]["data"]["text/plain"] == TEXT


def test_slow_updates_are_rare() -> None:
    """What an update costs is measured, and spaced out accordingly."""
    shell, clock = Shell(), Clock()
    surface = NotebookSurface(shell, clock=clock)
    shell.display_pub.during = lambda: setattr(clock, "now", clock.now + 20.0)
    feed(surface, tuple(Token("a ") for _ in range(500)), clock=clock, step_ms=10.0)
    assert len(shell.display_pub.messages) <= 6


def test_finishing_twice_shows_once() -> None:
    """An interrupt may make the end come twice."""
    for surface_type in (NotebookSurface, HeadlessSurface):
        shell = Shell()
        surface = surface_type(shell)
        surface.finish(View(result=RESULT))
        count = len(shell.display_pub.messages)
        surface.finish(View(result=RESULT))
        assert len(shell.display_pub.messages) == count


def test_an_error_before_any_text_leaves_no_output() -> None:
    """The traceback is enough; but a status line that stands already is taken back."""
    for surface_type in (NotebookSurface, HeadlessSurface):
        shell = Shell()
        surface_type(shell).finish(failed(View(), ValueError("x")))
        assert shell.display_pub.messages == []
    shell = Shell()
    surface = NotebookSurface(shell)
    view = feed(surface, (Status("loading", "loading"),))
    surface.finish(failed(view, ValueError("x")))
    assert "loading" not in shell.display_pub.messages[-1]["data"]["text/html"]


def test_an_interrupt_before_any_text_is_said() -> None:
    """A person who stopped a cell sees that it was stopped."""
    shell = Shell()
    NotebookSurface(shell).finish(failed(View(), KeyboardInterrupt()))
    assert "interrupted" in shell.display_pub.messages[0]["data"]["text/plain"]


def test_headless_shows_a_line_and_then_the_answer() -> None:
    """A log takes the first display of an identifier, the saved notebook the last."""
    shell = Shell()
    surface = HeadlessSurface(shell)
    view = feed(surface, EVENTS)
    assert shell.display_pub.messages == []
    surface.finish(view)
    first, last = shell.display_pub.messages
    assert first["data"] == {"text/plain": f"llm {MODEL}: 9 tokens, 118 tokens/s: {TEXT}"}
    assert (first["update"], last["update"], len(shell.display_pub.ids)) == (False, True, 1)
    assert (last["data"], last["metadata"]) == bundle(view)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_an_interrupt_waits_for_the_message() -> None:
    """Ctrl-C while a message is sent comes right after it: never half a message, never a second output."""
    shell = Shell()
    surface = NotebookSurface(shell)
    shell.display_pub.during = lambda: os.kill(os.getpid(), signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        surface.update(View(text="partial"))
    assert signal.getsignal(signal.SIGINT) is before
    shell.display_pub.during = None
    surface.finish(failed(View(text="partial"), KeyboardInterrupt()))
    assert [message["update"] for message in shell.display_pub.messages] == [False, True]


def test_other_threads_publish_too() -> None:
    """Where no interrupt can arrive (a subshell), nothing is held back and nothing fails."""
    shell = Shell()
    thread = threading.Thread(target=lambda: NotebookSurface(shell).finish(View(result=RESULT)))
    thread.start()
    thread.join()
    assert len(shell.display_pub.messages) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Terminals


def written(events: tuple[AskEvent, ...], stream: io.StringIO, **values: Any) -> str:
    surface = TerminalSurface(stream)
    surface.finish(feed(surface, events))
    return stream.getvalue()


def test_terminal_streams_plain_text() -> None:
    """Words come as they are written, and a line break ends them."""
    stream = io.StringIO()
    surface = TerminalSurface(stream)
    view = feed(surface, EVENTS[:3])
    assert stream.getvalue() == "The capital of France"
    for event in EVENTS[3:]:
        view = fold(view, event, 0.0)
        surface.update(view)
    surface.finish(view)
    assert stream.getvalue() == f"{TEXT}\n"


def test_a_file_gets_no_escape_sequences() -> None:
    """Neither of the model nor of ours, whatever is shown."""
    hostile = (Status("loading", "loading", 0.5), Token("think\x1b[2J", "reasoning"), Token("a\x1b]0;t\x07b"))
    done = Done(Result("a\x1b]0;t\x07b", reasoning="think\x1b[2J", notes=(note("\x1b[0m"),)))
    text = written((*hostile, done), io.StringIO())
    assert text == "[reasoning] think\nab\n[this is ]\n"


def test_a_terminal_gets_ours_and_none_of_the_models() -> None:
    """Progress stands in one line and goes; reasoning is dim; the model's sequences are removed, also when cut."""
    events = (Status("loading", "loading", 0.5), Token("hm", "reasoning"), Token("re\x1b[3"), Token("1md"))
    text = written((*events, Done(result("re\x1b[31md", reasoning="hm"))), Terminal())
    assert text == (
        "\r\x1b[2K\x1b[2mloading 50%\x1b[0m\r\x1b[2K\x1b[2mhm\x1b[0m\nred\n\x1b[2m9 tokens, 118 tokens/s\x1b[0m\n"
    )


def test_terminal_says_what_is_wrong() -> None:
    """Notes and interrupts stand below the answer."""
    assert written((Done(result(notes=(note("loop"), note("cache")))),), io.StringIO()).endswith(
        "[this is loop]\n[this is cache]\n"
    )
    stream = io.StringIO()
    surface = TerminalSurface(stream)
    surface.finish(failed(feed(surface, EVENTS[:3]), KeyboardInterrupt()))
    assert stream.getvalue() == "The capital of France\n[interrupted: incomplete]\n"


def test_terminal_at_the_end() -> None:
    """Without streaming the same text comes at once, and once."""
    stream = io.StringIO()
    surface = AtEnd(TerminalSurface(stream))
    view = feed(surface, EVENTS)
    assert stream.getvalue() == ""
    surface.finish(view)
    surface.finish(view)
    assert stream.getvalue() == f"{TEXT}\n"


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing at all."""
    surface = SilentSurface()
    surface.finish(feed(surface, EVENTS))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_says_nothing_of_an_error_without_text() -> None:
    """Whoever catches the error tells it; a line of ours above it would only puzzle."""
    stream = io.StringIO()
    surface = TerminalSurface(stream)
    surface.finish(failed(View(model=MODEL), ValueError("no")))
    assert stream.getvalue() == ""


# ---------------------------------------------------------------------------------------------------------------------
# Answers from sources: the text may be corrected while it streams

CORRECTED: tuple[AskEvent, ...] = (
    Token("It is 3.9 million [2]."),
    Revised("It is 3.9 million [1]."),
    Token(" It is big"),
    Token(" [1]."),
    Revised("It is 3.9 million [1]. It is big [?]."),
)


def test_notebooks_show_the_corrected_text() -> None:
    """An output is made anew at any time, so what was corrected is simply gone."""
    shell, clock = Shell(), Clock()
    surface = NotebookSurface(shell, clock=clock)
    view = feed(surface, CORRECTED, clock=clock, step_ms=200.0)
    texts = [message["data"]["text/plain"] for message in shell.display_pub.messages]
    assert texts[:3] == ["It is 3.9 million [2].", "It is 3.9 million [1].", "It is 3.9 million [1]. It is big"]
    assert texts[-1] == view.text == "It is 3.9 million [1]. It is big [?]."
    html = shell.display_pub.messages[-1]["data"]["text/html"]
    assert "[2]" not in html
    surface.finish(fold(fold(view, Cited(ANSWER), 0.0), Done(ANSWER.result), 0.0))
    assert "jp-LocalLLM-sources" in shell.display_pub.messages[-1]["data"]["text/html"]


def test_a_terminal_writes_the_corrected_sentence_again() -> None:
    """What stands on a terminal stays there: the sentence that changed follows once more, and says that it does."""
    assert written(CORRECTED, io.StringIO()) == (
        "It is 3.9 million [2].\n[corrected] It is 3.9 million [1]. It is big [1].\n[corrected] It is big [?].\n"
    )


def test_a_terminal_says_nothing_of_what_did_not_change() -> None:
    """A revision that says the same, or only goes on, is no correction."""
    same = (Token("It is 3 [1]. "), Revised("It is 3 [1]."), Revised("It is 3 [1]. So"), Token(" it is."))
    assert written(same, io.StringIO()).replace("  ", " ") == "It is 3 [1]. So it is.\n"


def test_a_terminal_takes_back_what_was_too_much() -> None:
    """A mark that was taken away is not left standing as if it held."""
    events = (Token("It is so. It is 3 [2]"), Revised("It is so. It is 3"), Token(" [1]."))
    assert written(events, io.StringIO()) == "It is so. It is 3 [2]\n[corrected] It is 3 [1].\n"


def test_a_terminal_lists_the_sources() -> None:
    """Below the text: how the question was read, and what each mark stands for."""
    text = written((Token(CITED_TEXT), Cited(ANSWER), Done(ANSWER.result)), io.StringIO())
    assert text.startswith(
        f"{CITED_TEXT}\n\nRead as: mean of population where country is Germany\n\nSources:\n[1] cities, "
    )
    assert text.count("corrected") == 0


def test_a_log_gets_the_final_text_alone() -> None:
    """One line, with the corrected text and how many claims are supported."""
    shell = Shell()
    surface = HeadlessSurface(shell)
    surface.finish(feed(surface, (*CORRECTED, Cited(ANSWER), Done(ANSWER.result))))
    first, last = shell.display_pub.messages
    line = first["data"]["text/plain"]
    assert line.startswith(f"llm {MODEL}: 9 tokens, 118 tokens/s, 3 supported, 1 unsupported, 1 stale: Berlin had")
    assert "3.9 million" not in line
    assert "\n" not in line
    assert "Sources:" in last["data"]["text/plain"]


def test_an_interrupted_answer_has_no_list() -> None:
    """What was not checked to its end is not shown as checked."""
    shell = Shell()
    surface = NotebookSurface(shell)
    surface.finish(failed(feed(surface, CORRECTED), KeyboardInterrupt()))
    data = shell.display_pub.messages[-1]["data"]
    assert "Sources" not in data["text/html"] + data["text/plain"]
    assert "interrupted" in data["text/plain"]
