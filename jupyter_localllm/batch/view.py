"""A map as people see it: a line that moves while it runs, and in the end what came out.

What the finished view says is the same in every run that gives the same answers: no times, nothing of the cache. Cells
and answers are shown as the text they are, never as Markdown or HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from jupyter_localllm.batch.head import Head
from jupyter_localllm.batch.mapping import RowError
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.errors import first_line
from jupyter_localllm.show.bundle import speed
from jupyter_localllm.show.origin import elsewhere
from jupyter_localllm.show.plain import clean

__all__ = ["Finished", "duration", "moving_html", "moving_plain", "stopped_html", "stopped_plain"]

_ERRORS = 5
_QUIET = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676));font-size:.9em"
_WARN = "border-left:3px solid var(--jp-warn-color1,var(--vscode-editorWarning-foreground,#c47f00));padding-left:.7em"

# What should be said about so many answers, by the code of the note that each carries.
_NOTED = {
    "length": ("answer is cut off: raise --max-tokens for more", "answers are cut off: raise --max-tokens for more"),
    "loop": ("answer repeats itself", "answers repeat themselves"),
    "no_template": ("text was continued", "texts were continued: the model has no chat template"),
}


def moving_plain(progress: Progress) -> str:
    """One line of how far it is.

    Examples
    --------
    >>> progress = Progress(30, 100, rows_per_second=2.5, tokens_per_second=64.0, model="smollm2", failed=1)
    >>> moving_plain(progress)
    '30 of 100 rows · 2.5 rows/s · 64.0 tokens/s · 28 s left · 1 failed · smollm2'
    """
    words = [_done(progress)]
    if progress.stage:
        words.append(clean(progress.stage))
    elif progress.rows_per_second and not progress.finished:
        rate = progress.rows_per_second
        words.append(f"{rate:,.0f} rows/s" if rate >= 10 else f"{rate:.2g} rows/s")
        if progress.tokens_per_second:
            words.append(speed(progress.tokens_per_second))
        if progress.seconds_left is not None:
            words.append(f"{duration(progress.seconds_left)} left")
    counts = ((progress.failed, "failed"), (progress.cached, "cached"))
    words += [f"{count:,} {what}" for count, what in counts if count]
    return " · ".join([*words, *([clean(progress.model)] if progress.model else [])])


def moving_html(progress: Progress) -> str:
    """The same line below a bar."""
    bar = ""
    if progress.total:
        figures = f'value="{progress.done}" max="{progress.total}"'
        bar = f'<progress {figures} style="width:100%;max-width:32em"></progress><br>'
    line = escape(moving_plain(progress))
    return f'<div class="jp-LocalLLM-map mathjax_ignore tex2jax_ignore" style="{_QUIET}">{bar}{line}</div>'


def stopped_plain(progress: Progress, after: str = "") -> str:
    """How far it came before it was broken off, and what to know then."""
    return f"Stopped: {_done(progress)} finished. {after}".strip()


def stopped_html(progress: Progress, after: str = "") -> str:
    """The same as HTML."""
    line = f'<div style="{_WARN}">{escape(stopped_plain(progress, after))}</div>'
    return f'<div class="jp-LocalLLM-map mathjax_ignore tex2jax_ignore">{line}</div>'


def _done(progress: Progress) -> str:
    if progress.total is None:
        return _rows(progress.done)
    return f"{progress.done:,} of {_rows(progress.total)}"


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def duration(seconds: float) -> str:
    """Seconds for people.

    Examples
    --------
    >>> duration(7.4), duration(185), duration(7300)
    ('7 s', '3 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass(frozen=True)
class Finished:
    """A map that came to its end.

    Parameters
    ----------
    progress : Progress
    head : Head
    where : str
        A sentence on where the answers are.
    errors : tuple of RowError
    remarks : tuple of str
        What else should be said.
    name, question : str
        What the outcome is bound to, and the template, for the output's metadata.
    """

    progress: Progress
    head: Head
    where: str
    errors: tuple[RowError, ...] = ()
    remarks: tuple[str, ...] = ()
    name: str = ""
    question: str = ""

    @property
    def summary(self) -> str:
        """The outcome in a line."""
        progress = self.progress
        by = f" by {clean(progress.model)}" if progress.model else ""
        if not progress.done:
            return "No rows: nothing was asked."
        if not progress.failed:
            return f"{_rows(progress.done)} answered{by}."
        answered = progress.done - progress.failed
        return f"{answered:,} of {_rows(progress.done)} answered{by}, {progress.failed:,} failed."

    def marks(self) -> list[str]:
        """What a reader of the answers must know."""
        remote = elsewhere(self.progress.provenance.remote)
        said = [remote] if remote else []
        said += [f"{error.where}: {first_line(error.error.message)}" for error in self.errors[:_ERRORS]]
        if len(self.errors) > _ERRORS:
            said.append(f"… and {_rows(len(self.errors) - _ERRORS)} more")
        for code, count in sorted(self.progress.notes.items()):
            if code in _NOTED:
                said.append(f"{count:,} {_NOTED[code][count != 1]}")
        return [*said, *self.remarks]

    def plain(self) -> str:
        """All of it as text."""
        lines = [f"{self.summary} {self.where}".strip(), *(f"[{clean(mark)}]" for mark in self.marks())]
        if self.head.cells:
            remark = self.head.remark(self.head.plain_width)
            lines += ["", self.head.plain(), *([remark] if remark else [])]
        return "\n".join(lines)

    def html(self) -> str:
        """All of it as safe HTML."""
        parts = [f"<div>{escape(clean(f'{self.summary} {self.where}'.strip()))}</div>\n"]
        parts += [f'<div style="{_WARN};margin:.3em 0">{escape(clean(mark))}</div>\n' for mark in self.marks()]
        if self.head.cells:
            remark = self.head.remark(self.head.html_width)
            parts.append(self.head.html())
            parts.append(f'<div style="{_QUIET}">{escape(remark)}</div>\n' if remark else "")
        return f'<div class="jp-LocalLLM-map mathjax_ignore tex2jax_ignore">\n{"".join(parts)}</div>'
