"""Progress as a bar, for programs: ipywidgets where somebody looks on, tqdm elsewhere."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from html import escape
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Protocol

from jupyter_localllm.api.handle import current_shell
from jupyter_localllm.batch import Progress
from jupyter_localllm.errors import DependencyMissing
from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Status
from jupyter_localllm.widgets.needed import looked_at
from jupyter_localllm.widgets.twofold import Twofold, hiding, new_mark

__all__ = ["ProgressBar", "bar_of"]

_PACE_S = 0.25
_DELAY_S = 0.5  # what is over sooner needs no bar


class ProgressBar:
    """A bar for what tells how far it is: a map, a model that is loaded.

    In a notebook that somebody looks at, a widget, which leaves a line of text; elsewhere tqdm's bar on standard error.
    Unattended (papermill, nbclient) nothing moves, and one line is printed at the end. A map ends it; for all else, and
    where a map may fail, use it as a context.

    Parameters
    ----------
    shell : InteractiveShell or None
        The running one if None.
    delay_s : float, optional
        Seconds before anything is shown; what is over sooner shows nothing.
    plain : bool, optional
        Whether a line of text in the cell's output will do, where neither ipywidgets nor tqdm is installed.

    Raises
    ------
    DependencyMissing
        When it is called first, where tqdm is needed and not installed.

    Examples
    --------
    >>> from jupyter_localllm.widgets import ProgressBar
    >>> llm.map("Shorten: {{ value }}", texts, progress=ProgressBar())      # doctest: +SKIP
    >>> with ProgressBar() as bar:                                          # doctest: +SKIP
    ...     for status in llm.loading():
    ...         bar(status)
    """

    def __init__(self, *, shell: Any = None, delay_s: float = 0.0, plain: bool = False) -> None:
        self._shell = shell or current_shell()
        self._bar: _Bar | None = None
        self._begin = time.monotonic() + delay_s
        self._plain = plain

    def __call__(self, told: Progress | Status) -> None:
        """Show how far it is."""
        if self._bar is None:
            if time.monotonic() < self._begin:
                return
            self._bar = _Words(self._shell.display_pub.publish) if self._plain else _chosen(self._shell)
        self._bar.show(told)
        if isinstance(told, Progress) and told.finished:
            self.close()

    def __enter__(self) -> ProgressBar:
        """Use it as a context."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The end, whether it came to one or not."""
        self.close()

    def close(self) -> None:
        """Nothing more will come."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.end()


def bar_of(shell: Any) -> AbstractContextManager[Callable[[Progress | Status], object]]:
    """The bar of what a person runs in this shell; nothing where nobody looks on.

    A cell has one only in the shell's own thread: what another thread displays would go to whichever cell ran last. An
    unattended run has none, because what it saves is to be the same in each run.
    """
    cells = hasattr(shell, "kernel")
    attended = looked_at(shell) if cells else bool(getattr(sys.stderr, "isatty", bool)())
    able = bool(find_spec("tqdm") or (cells and find_spec("ipywidgets")))
    if not (attended and (able or cells) and threading.current_thread() is threading.main_thread()):
        return nullcontext(lambda _told: None)
    return ProgressBar(shell=shell, delay_s=_DELAY_S, plain=not able)


class _Bar(Protocol):
    def show(self, told: Progress | Status) -> None: ...

    def end(self) -> None: ...


def _chosen(shell: Any) -> _Bar:
    if shell is None or not hasattr(shell, "kernel"):
        return _Tqdm()
    if not looked_at(shell):
        return _Line()
    try:
        import ipywidgets
    except ImportError:
        return _Tqdm()
    return _Widget(ipywidgets, shell.display_pub.publish)


class _Widget:
    """A bar, and the line that is left of it."""

    def __init__(self, library: Any, publish: Any) -> None:
        mark, wide = new_mark(), library.Layout(width="100%", max_width="32em")
        self._bar, self._words = library.FloatProgress(min=0.0, max=1.0, layout=wide), library.Label()
        self._all = library.VBox([self._bar, self._words, hiding(library, mark)])
        self._place = Twofold(publish, self._all, mark, *_text(""))

    def show(self, told: Progress | Status) -> None:
        share = _share(told)
        self._bar.layout.display = "none" if share is None else ""
        self._bar.value = share or 0.0
        self._words.value = _line(told)
        self._place.update(*_text(_line(told)))

    def end(self) -> None:
        self._place.end()
        for widget in (*self._all.children, self._all):
            widget.close()


class _Tqdm:
    """A bar on standard error."""

    def __init__(self) -> None:
        how = 'pip install "jupyter_localllm[widgets]"'
        with DependencyMissing.unless_imported("the progress bar needs tqdm", how):
            from tqdm import tqdm
        self._bar = tqdm(file=sys.stderr)

    def show(self, told: Progress | Status) -> None:
        if isinstance(told, Progress):
            self._bar.unit, self._bar.total, self._bar.n = "row", told.total, told.done
        else:
            self._bar.unit, self._bar.total, self._bar.n = "%", 100, round(100 * (told.fraction or 0.0))
        self._bar.set_postfix_str(clean(_stage(told)), refresh=False)
        self._bar.refresh()

    def end(self) -> None:
        self._bar.close()


class _Words:
    """A line of text in the cell's output, written anew a few times a second."""

    def __init__(self, publish: Any) -> None:
        self._publish, self._id = publish, f"jupyter_localllm-{uuid.uuid4().hex}"
        self._last = self._shown = ""
        self._next = 0.0

    def show(self, told: Progress | Status) -> None:
        self._last = _line(told)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PACE_S
            self._write()

    def end(self) -> None:
        if self._last != self._shown:
            self._write()

    def _write(self) -> None:
        data, metadata = _text(self._last)
        self._publish(data, metadata, transient={"display_id": self._id}, update=bool(self._shown))
        self._shown = self._last


class _Line:
    """A line at the end."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, told: Progress | Status) -> None:
        self._last = _line(told)

    def end(self) -> None:
        print(self._last)


def _share(told: Progress | Status) -> float | None:
    if isinstance(told, Status):
        return told.fraction
    return None if told.total is None else told.done / told.total if told.total else 1.0


def _stage(told: Progress | Status) -> str:
    return told.text or told.stage if isinstance(told, Status) else told.stage or told.model


def _line(told: Progress | Status) -> str:
    from jupyter_localllm.batch.view import moving_plain

    if isinstance(told, Progress):
        return moving_plain(told)
    return clean(_stage(told)) + ("" if told.fraction is None else f" {told.fraction:.0%}")


def _text(line: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"text/plain": line, "text/html": escape(line)}, {}
