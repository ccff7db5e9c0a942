"""From a view to what Jupyter stores and shows: the MIME bundle and its metadata.

What is saved must be the same in every run that gives the same answer, so `data` holds no time, no cache state and no
identifier; those stand in the metadata under ``jupyter_localllm`` / ``volatile``.

The styles are attributes of our own on elements of our own, with JupyterLab's variables first, VS Code's second and a
grey that can be read on white and on black last. Model text never becomes a style.
"""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_localllm.show.formats import Shown, shown
from jupyter_localllm.show.origin import origin
from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.saved import saved_answer, saved_metadata
from jupyter_localllm.show.view import View
from jupyter_localllm.types import Answer, CitationStatus

if TYPE_CHECKING:
    from jupyter_localllm.show.html import BlockRenderer

__all__ = ["ANSWER_MIME", "METADATA_KEY", "as_warning", "bundle", "record", "speed", "summary"]

ANSWER_MIME = "application/vnd.jupyter-localllm.answer+json"
METADATA_KEY = "jupyter_localllm"

_QUIET = (
    "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676));"
    "font-family:var(--jp-ui-font-family,sans-serif);font-size:.85em;line-height:1.5"
)
_BAR = "border-left:2px solid var(--jp-border-color2,var(--vscode-panel-border,#c0c0c0));padding-left:.8em"
_WARN = "border-left:3px solid var(--jp-warn-color1,var(--vscode-editorWarning-foreground,#c47f00));padding-left:.7em"
# Turned upside down so that the newest line is the one that is seen, without a script.
_TAIL = "display:flex;flex-direction:column-reverse;max-height:12em;overflow:auto"

_LONGEST_SUMMARY = 160


def bundle(view: View, blocks: BlockRenderer | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the data and the metadata of an output.

    Parameters
    ----------
    view : View
        The answer at this moment.
    blocks : BlockRenderer or None
        Keeps the rendered blocks of a growing text between calls.

    Returns
    -------
    data : dict
        ``text/html``, ``text/plain`` and our own type; ``text/markdown`` too once the answer has ended.
    metadata : dict
        ``{"jupyter_localllm": …}``: while it streams only that it is not complete; then the provenance, and in
        ``volatile`` what differs from run to run.
    """
    form = shown(view.text, view.format, ended=view.ended, blocks=blocks)
    if view.answer is not None and view.ended:
        form = _with_marks(form, view, view.answer)
    data = {"text/html": _html(view, form), "text/plain": _plain(view, form), ANSWER_MIME: saved_answer(view)}
    if view.ended:
        data["text/markdown"] = _markdown(view, form)
    return data, {METADATA_KEY: saved_metadata(view)}


def record(view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a `bundle` cannot be made of the rest: our own type, and the metadata. Renders nothing."""
    return {ANSWER_MIME: saved_answer(view)}, {METADATA_KEY: saved_metadata(view)}


def summary(view: View) -> str:
    """The answer in one line, for logs.

    Examples
    --------
    >>> from jupyter_localllm.types import Result, Usage
    >>> summary(View(text="It is Paris.", model="smollm2", tokens=4, result=Result("It is Paris.")))
    'llm smollm2: 4 tokens: It is Paris.'
    """
    facts = [_count(view.tokens), *([where] if (where := origin(view)) else [])]
    if view.result and view.result.cached:
        facts.append("cached")
    elif view.tokens_per_second:
        facts.append(speed(view.tokens_per_second))
    if view.answer is not None:
        facts += [f"{count:,} {status}" for status, count in _totals(view.answer)]
    facts += [note.text for note in (*view.notes, *view.passing_notes)]
    text = " ".join(clean(view.text).split())
    if len(text) > _LONGEST_SUMMARY:
        text = text[: _LONGEST_SUMMARY - 2].rstrip() + " …"
    head = " ".join(part for part in ("llm", clean(view.model)) if part)
    return f"{head}: {', '.join(facts)}: {text}".rstrip(": ")


def speed(tokens_per_second: float) -> str:
    """A speed with the digits it deserves.

    Examples
    --------
    >>> speed(118.4), speed(9.66)
    ('118 tokens/s', '9.7 tokens/s')
    """
    return f"{tokens_per_second:,.0f} tokens/s" if tokens_per_second >= 100 else f"{tokens_per_second:.1f} tokens/s"


def as_warning(text: str) -> str:
    """A text of ours as HTML that is seen at once."""
    return f'<div class="jp-LocalLLM-answer mathjax_ignore tex2jax_ignore">\n{_mark(text)}</div>'


def _count(tokens: int) -> str:
    return "1 token" if tokens == 1 else f"{tokens:,} tokens"


def _totals(answer: Answer) -> list[tuple[CitationStatus, int]]:
    from jupyter_localllm.show.listing import totals

    return totals(answer)


# ---------------------------------------------------------------------------------------------------------------------
# HTML


def _html(view: View, form: Shown) -> str:
    parts = [_mark(where, "jp-LocalLLM-remote")] if (where := origin(view)) else []
    if view.reasoning.strip():
        parts.append(_reasoning(view))
    if view.calls:
        parts.append(_calls(view))
    if view.text:
        parts.append(f'<div class="jp-LocalLLM-text">\n{form.html}</div>\n')
    if view.answer is not None and view.ended:
        parts.append(_below(view.answer))
    parts += [_quiet(note.text) for note in view.notes if note.code == "routed"]
    parts += [_mark(text) for text in _marks(view, form, told=("routed",))]
    parts.append(_footer(view) if view.ended else _live(view))
    # Typesetters look at what is marked as mathematics, and at nothing else: see `jupyter_localllm.show.html`.
    return f'<div class="jp-LocalLLM-answer mathjax_ignore tex2jax_ignore">\n{"".join(parts)}</div>'


def _with_marks(form: Shown, view: View, answer: Answer) -> Shown:
    """The form with its marks and unsupported claims; JSON and code are shown as they are."""
    from jupyter_localllm.show.cards import CardWriter
    from jupyter_localllm.show.marks import find, mark_up

    if view.format not in ("markdown", "text"):
        return form

    def render(text: str) -> str:
        return shown(text, view.format, ended=False).html

    return replace(form, html=mark_up(answer.text, find(answer), render, CardWriter(answer)))


def _below(answer: Answer) -> str:
    from jupyter_localllm.show.cards import below

    return below(answer)


def _calls(view: View) -> str:
    from jupyter_localllm.show.calls import as_html

    return as_html(view.calls)


def _reasoning(view: View) -> str:
    thinking = not view.text and not view.ended
    words = escape(clean(view.reasoning).strip(), quote=False)
    body = f'<div style="white-space:pre-wrap;margin-top:.3em;{_BAR}">{words}</div>'
    if thinking:
        body = f'<div style="{_TAIL}">{body}</div>'
    return (
        f'<details class="jp-LocalLLM-reasoning" style="{_QUIET};margin-bottom:.6em"{" open" if thinking else ""}>'
        f'<summary style="cursor:pointer">Reasoning</summary>{body}</details>\n'
    )


def _mark(text: str, name: str = "jp-LocalLLM-mark") -> str:
    style = f"{_WARN};margin:.5em 0;font-size:.9em;white-space:pre-wrap"
    return f'<div class="{name}" style="{style}">{escape(clean(text))}</div>\n'


def _quiet(text: str) -> str:
    """What is said of an answer and is no reason to look twice: which model of a router gave it."""
    return f'<div class="jp-LocalLLM-said" style="{_QUIET};margin-top:.4em">{escape(clean(text))}</div>\n'


def _marks(view: View, form: Shown, told: tuple[str, ...] = ()) -> list[str]:
    """Notes and the form's remark; without those that are told elsewhere."""
    notes = [note.text for note in view.notes if note.code not in told]
    return notes + ([form.remark] if form.remark else [])


def _live(view: View) -> str:
    words = [view.model, _doing(view)] if view.status else [view.model, _count(view.tokens)]
    if not view.status and view.tokens_per_second:
        words.append(speed(view.tokens_per_second))
    return f'<div class="jp-LocalLLM-status" style="{_QUIET};margin-top:.4em">{_joined(words)}</div>\n'


def _doing(view: View) -> str:
    status = view.status
    if status is None:
        return ""
    words = status.text or status.stage
    return words if status.fraction is None else f"{words} {min(max(status.fraction, 0.0), 1.0):.0%}".replace("%", " %")


def _footer(view: View) -> str:
    words = [view.model, _count(view.tokens) if view.tokens else ""]
    line = _joined(words)
    return f'<div class="jp-LocalLLM-footer" style="{_QUIET};margin-top:.4em">{line}</div>\n' if line else ""


def _joined(words: list[str]) -> str:
    return " · ".join(escape(clean(word)) for word in words if word)


# ---------------------------------------------------------------------------------------------------------------------
# The other types


def _plain(view: View, form: Shown) -> str:
    from jupyter_localllm.show.footnotes import as_plain

    marks = "".join(f"\n\n[{clean(text)}]" for text in _marks(view, form))
    if view.answer is not None and view.ended and (under := as_plain(view.answer)):
        marks = f"\n\n{under}{marks}"
    return (_above(view, "plain") + form.plain.rstrip() + marks).strip("\n")


def _markdown(view: View, form: Shown) -> str:
    from jupyter_localllm.show.footnotes import as_markdown
    from jupyter_localllm.show.neutral import neutralise

    marks = "".join(f"\n\n*{neutralise(text)}*" for text in _marks(view, form))
    if view.answer is not None and (under := as_markdown(view.answer)):
        marks = f"\n\n{under}{marks}"
    return (_above(view, "markdown") + form.markdown + marks).strip("\n")


def _above(view: View, form: str) -> str:
    """Where the answer comes from, and the calls of tools: above the text."""
    above = []
    if where := origin(view):
        from jupyter_localllm.show.neutral import neutralise

        above.append(f"*{neutralise(where)}*" if form == "markdown" else f"[{clean(where)}]")
    if view.calls:
        from jupyter_localllm.show import calls

        above.append((calls.as_markdown if form == "markdown" else calls.as_plain)(view.calls))
    return "".join(f"{part}\n\n" for part in above)
