"""Progress bars: widgets, tqdm, a line."""

from __future__ import annotations

import sys
import threading

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import DependencyMissing
from jupyter_localllm.types import Status
from jupyter_localllm.widgets import ProgressBar, bars
from jupyter_localllm.widgets.bars import bar_of

from .conftest import VIEW, Shell


def test_a_widget_where_somebody_looks_on(shell: Shell) -> None:
    """It moves, the text beside it says the same at each moment, and a line is left of it."""
    bar = ProgressBar(shell=shell)
    bar(Progress(done=1, total=4, model="m"))
    widget = bar._bar._bar  # type: ignore[union-attr]
    assert widget.value == 0.25
    text, view = shell.saved
    assert VIEW in view
    assert text["text/plain"] == "1 of 4 rows \u00b7 m"
    bar(Progress(done=4, total=4, model="m", finished=True))
    text, view = shell.saved
    assert VIEW not in view
    assert text["text/plain"] == "4 of 4 rows \u00b7 m"
    assert widget.comm is None


def test_a_map_that_breaks_off_leaves_no_widget(shell: Shell) -> None:
    """As a context it ends with an error, too."""

    def breaks() -> None:
        with ProgressBar(shell=shell) as bar:
            bar(Progress(done=1, total=4))
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        breaks()
    text, view = shell.saved
    assert VIEW not in view
    assert text["text/plain"] == "1 of 4 rows"


def test_tqdm_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """In scripts and terminals it is tqdm's bar, on standard error."""
    bar = ProgressBar()
    bar(Progress(done=1, total=4, model="m"))
    bar(Progress(done=4, total=4, model="m", finished=True))
    said = capsys.readouterr()
    assert said.out == ""
    assert "4/4" in said.err
    assert "m" in said.err


def test_a_model_that_is_loaded(capsys: pytest.CaptureFixture[str], shell: Shell) -> None:
    """What `llm.loading()` tells is shown, with and without a share that is done."""
    with ProgressBar() as bar:
        bar(Status("checking", "checking m"))
        bar(Status("loading", "loading m", 0.5))
    assert "loading m" in capsys.readouterr().err
    with ProgressBar(shell=shell) as bar:
        bar(Status("checking", "checking m"))
        assert bar._bar._bar.layout.display == "none"  # type: ignore[union-attr]
        bar(Status("loading", "loading m", 0.5))
        assert bar._bar._bar.layout.display == ""  # type: ignore[union-attr]
    assert shell.saved[0]["text/plain"] == "loading m 50%"


def test_unattended_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No widget, nothing that moves, one line at the end."""
    shell = Shell("")
    bar = ProgressBar(shell=shell)
    for done in range(5):
        bar(Progress(done=done, total=4, finished=done == 4))
    assert shell.published == []
    assert capsys.readouterr() == ("4 of 4 rows\n", "")


def test_without_ipywidgets_it_is_tqdm(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bar is no reason to fail; without both it says what to install."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    ProgressBar(shell=shell)(Progress(done=4, total=4, finished=True))
    assert "4/4" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(DependencyMissing) as caught:
        ProgressBar()(Progress(done=1))
    assert 'pip install "jupyter_localllm[widgets]"' in caught.value.hint


def test_a_map_and_a_load_have_a_bar_of_their_own_accord(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extension is loaded and somebody looks on; with ``progress=False`` there is none."""
    monkeypatch.setattr(bars, "_DELAY_S", 0.0)
    llm = LocalLLM.from_engine(ScriptedEngine("Yes."))
    llm.map("Is it {{ value }}?", ["a", "b"], cache="off")
    assert shell.published == []
    monkeypatch.setattr(runtime.current(), "bar", lambda: bar_of(shell))
    llm.map("Is it {{ value }}?", ["a", "b"], cache="off")
    assert shell.saved[0]["text/plain"].startswith("2 of 2 rows")
    LocalLLM.from_engine(ScriptedEngine("Yes.")).load()
    assert shell.saved[2]["text/plain"].startswith("loading")
    assert not any(VIEW in data for data in shell.saved)
    shell.published.clear()
    llm.map("Is it {{ value }}?", ["a", "b"], cache="off", progress=False)
    assert shell.published == []


def test_without_either_a_line_of_text_moves(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download of gigabytes is never silent in a notebook: text in the cell's output tells how far it is."""
    monkeypatch.setattr(bars, "_DELAY_S", 0.0)
    monkeypatch.setattr(bars, "_PACE_S", 0.0)
    monkeypatch.setattr(bars, "find_spec", lambda _name: None)
    with bar_of(shell) as show:
        show(Status("pulling", "m.gguf: 1 of 2 GB", 0.5))
        show(Status("pulling", "m.gguf: 2 of 2 GB", 1.0))
    assert [data["text/plain"] for _update, data in shell.published] == [
        "m.gguf: 1 of 2 GB 50%",
        "m.gguf: 2 of 2 GB 100%",
    ]
    assert len(shell.saved) == 1


def test_what_is_over_at_once_shows_nothing(shell: Shell) -> None:
    """A bar that flashes up helps nobody."""
    with bar_of(shell) as show:
        show(Progress(done=4, total=4, finished=True))
    assert shell.published == []


def test_no_bar_where_nobody_sees_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Unattended runs save the same each time; another thread's bar would stand in a cell that is not its own."""
    monkeypatch.setattr(bars, "_DELAY_S", 0.0)
    unattended, shell = Shell(""), Shell()

    def tell(where: Shell) -> None:
        with bar_of(where) as show:
            show(Progress(done=1, total=4))

    tell(unattended)
    thread = threading.Thread(target=tell, args=(shell,))
    thread.start()
    thread.join()
    assert (unattended.published, shell.published) == ([], [])
    assert capsys.readouterr() == ("", "")
