"""One display that moves; unattended, one line for the log and the outcome in its place."""

from __future__ import annotations

import io
from typing import Any

import pytest

from jupyter_localllm.batch.data import open_data
from jupyter_localllm.batch.head import Head, Witness
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.surfaces import Headless, Notebook, Surface, Terminal, map_surface_for
from jupyter_localllm.batch.view import Finished


class Publisher:
    """Takes what is published."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.sent.append(message)

    def clear_output(self, wait: bool = False) -> None:
        self.sent.append({"cleared": wait})


class Shell:
    def __init__(self) -> None:
        self.display_pub = Publisher()


def outcome() -> Finished:
    witness = Witness(open_data(["a"]))
    list(witness.rows())
    return Finished(
        Progress(done=1, total=1, cached=1, elapsed_s=3.0, model="m"), Head.of(witness, ["b"], "answer"), ""
    )


def test_a_notebook_has_one_display() -> None:
    """The bar and the outcome are one output, with text and HTML, and metadata every time."""
    shell = Shell()
    surface = Notebook(shell)
    surface.update(Progress(total=1))
    surface.update(Progress(done=1, total=1))
    surface.update(Progress(done=1, total=1, finished=True))
    surface.finish(outcome())
    sent = shell.display_pub.sent
    assert [message["update"] for message in sent] == [False, True, True]
    assert len({message["transient"]["display_id"] for message in sent}) == 1
    assert all(set(message["data"]) == {"text/html", "text/plain"} for message in sent)
    assert [message["metadata"]["jupyter_localllm"]["complete"] for message in sent] == [False, False, True]


def test_unattended_the_first_display_is_a_line() -> None:
    """Nothing moves; the log gets the first display, the file keeps the last."""
    shell = Shell()
    surface = Headless(shell)
    surface.update(Progress(total=1))
    surface.finish(outcome())
    first, last = shell.display_pub.sent
    assert first["data"] == {"text/plain": "llm map 1 row answered by m."}
    assert (first["update"], last["update"]) == (False, True)
    assert "text/html" in last["data"]


def test_a_long_map_tells_the_log_how_far_it_is(capsys: Any) -> None:
    """Unattended, a line with rows, speeds and time left now and then, which leave nothing in the notebook."""
    now = [0.0]
    shell = Shell()
    surface = Headless(shell, clock=lambda: now[0])
    for now[0] in (1.0, 11.0, 12.0, 45.0):
        surface.update(Progress(done=int(now[0]), total=100, rows_per_second=1.0, tokens_per_second=20.0, model="m"))
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "llm map 11 of 100 rows · 1 rows/s · 20.0 tokens/s · 1 min 29 s left · m",
        "llm map 45 of 100 rows · 1 rows/s · 20.0 tokens/s · 55 s left · m",
    ]
    surface.finish(outcome())
    assert [set(message) for message in shell.display_pub.sent][:1] == [{"cleared"}]
    assert len(shell.display_pub.sent) == 3


def test_what_differs_between_runs_stands_apart() -> None:
    """Seconds and the cache are in the volatile part of the metadata, and nowhere else."""
    shell = Shell()
    Headless(shell).finish(outcome())
    facts = shell.display_pub.sent[-1]["metadata"]["jupyter_localllm"]
    assert facts.pop("volatile") == {"cached": 1, "asked": 0, "seconds": 3.0, "tokens": 0}
    assert "3.0" not in str(facts)


@pytest.mark.parametrize("kind", [Notebook, Headless])
def test_stopped(kind: type[Headless]) -> None:
    """What was broken off says how far it came."""
    shell = Shell()
    surface: Surface = kind(shell)
    surface.update(Progress(total=9))
    surface.stop(Progress(done=3, total=9), "Run again.")
    assert shell.display_pub.sent[-1]["data"]["text/plain"] == "Stopped: 3 of 9 rows finished. Run again."
    assert shell.display_pub.sent[-1]["metadata"] == {"jupyter_localllm": {"complete": False}}


class Console(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal() -> None:
    """A line that is written over, gone before the outcome; a pipe gets the outcome only."""
    for stream in (Console(), io.StringIO()):
        surface = Terminal(stream=stream)
        surface.update(Progress(total=1))
        surface.finish(outcome())
        written = stream.getvalue()
        assert written.endswith("1 row answered by m.\n\n   value  answer\n0  a      b\n")
        assert ("\r\x1b[2K" in written) is stream.isatty()


def test_the_surface_for_a_shell() -> None:
    """A front end that looks on, one that does not, and a terminal."""
    assert isinstance(map_surface_for(Shell(), live=True), Notebook)
    assert not isinstance(map_surface_for(Shell(), live=False), Notebook)
    assert isinstance(map_surface_for(None, live=True), Terminal)
