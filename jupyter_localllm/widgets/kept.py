"""A conversation as text, in the MIME types that a saved notebook, a page or a report is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from jupyter_localllm.show.bundle import METADATA_KEY
from jupyter_localllm.show.neutral import neutralise
from jupyter_localllm.show.plain import clean

__all__ = ["Turn", "bundle", "question_html"]

_QUIET = (
    "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676));"
    "font-family:var(--jp-ui-font-family,sans-serif);font-size:.85em;line-height:1.5"
)
_QUESTION = (
    "border-left:3px solid var(--jp-brand-color1,var(--vscode-focusBorder,#1976d2));padding:.1em 0 .1em .7em;"
    "margin:.9em 0 .5em;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5"
)
_WARN = (
    "border-left:3px solid var(--jp-warn-color1,var(--vscode-editorWarning-foreground,#c47f00));padding-left:.7em;"
    "margin:.5em 0;font-size:.9em;white-space:pre-wrap"
)
_LONGEST = 400_000  # characters of HTML; the latest turns are kept


@dataclass
class Turn:
    """A question and what came of it.

    Parameters
    ----------
    request : str
    question : str
    attachments : sequence of Mapping
        As docs/protocol.md has them.
    task : {"chat", "explain", "fix"}
    data, metadata : Mapping
        The answer's MIME bundle; empty before there is one.
    trouble : str
        Why there is no answer, or not all of it.
    final : bool
        Whether nothing more will come.
    """

    request: str
    question: str
    attachments: Sequence[Mapping[str, Any]] = ()
    task: str = "chat"
    data: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""
    final: bool = False

    @property
    def words(self) -> str:
        """The question; a task without one has a name."""
        return self.question.strip() or {"explain": "Explain", "fix": "Fix"}.get(self.task, "")

    @property
    def names(self) -> list[str]:
        """What was attached, in words."""
        return [str(one.get("name")) if one.get("kind") == "variable" else "a cell" for one in self.attachments]

    def html(self) -> str:
        """What came of it, as safe HTML."""
        return str(self.data.get("text/html", "")) + (_trouble(self.trouble) if self.trouble else "")


def question_html(turn: Turn) -> str:
    """A question as HTML.

    Examples
    --------
    >>> "&lt;b&gt;" in question_html(Turn("r", "<b>"))
    True
    """
    names = f'\n<span style="{_QUIET}">with {escape(clean(", ".join(turn.names)))}</span>' if turn.attachments else ""
    words = escape(clean(turn.words))
    return f'<div class="jp-LocalLLM-asked mathjax_ignore tex2jax_ignore" style="{_QUESTION}">{words}{names}</div>'


def bundle(conversation: str, turns: Sequence[Turn]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data and the metadata of the output.

    Parameters
    ----------
    conversation : str
    turns : sequence of Turn

    Returns
    -------
    data : dict
        ``text/html``, ``text/markdown`` and ``text/plain``.
    metadata : dict
        How many turns there are, and whether all are whole.

    Examples
    --------
    >>> data, _ = bundle("trip", [Turn("r", "Where to?", data={"text/plain": "Oslo."}, final=True)])
    >>> print(data["text/plain"])
    Conversation trip: 1 question
    <BLANKLINE>
    > Where to?
    <BLANKLINE>
    Oslo.
    """
    shown, omitted = _latest(turns)
    head = f"Conversation {conversation}: {_count(len(turns))}" + (f", the latest {len(shown):,}" if omitted else "")
    data = {
        "text/html": _html(head, shown),
        "text/markdown": _markdown(head, shown),
        "text/plain": _plain(head, shown),
    }
    complete = all(turn.final and not turn.trouble for turn in turns)
    return data, {METADATA_KEY: {"conversation": conversation, "turns": len(turns), "complete": complete}}


def _latest(turns: Sequence[Turn]) -> tuple[list[Turn], int]:
    shown: list[Turn] = []
    size = 0
    for turn in reversed(turns):
        size += len(turn.html()) + len(turn.question)
        if shown and size > _LONGEST:
            break
        shown.append(turn)
    return shown[::-1], len(turns) - len(shown)


def _count(turns: int) -> str:
    return "no questions yet" if not turns else "1 question" if turns == 1 else f"{turns:,} questions"


def _html(head: str, turns: Sequence[Turn]) -> str:
    parts = [f'<div style="{_QUIET}">{escape(clean(head))}</div>\n']
    parts += [f"{question_html(turn)}\n{turn.html()}\n" for turn in turns]
    return f'<div class="mathjax_ignore tex2jax_ignore">\n{"".join(parts)}</div>'


def _trouble(text: str) -> str:
    return f'<div class="jp-LocalLLM-mark" style="{_WARN}">{escape(clean(text))}</div>\n'


def _markdown(head: str, turns: Sequence[Turn]) -> str:
    blocks = [f"*{neutralise(head)}*"]
    for turn in turns:
        blocks.append("\n".join(f"> {line}".rstrip() for line in neutralise(turn.words).splitlines()))
        blocks += [f"*With {neutralise(', '.join(turn.names))}*"] if turn.attachments else []
        # What is still being written has no Markdown yet.
        answer = turn.data.get("text/markdown") or neutralise(str(turn.data.get("text/plain", "")))
        blocks += [str(answer).strip(), *([f"*{neutralise(turn.trouble)}*"] if turn.trouble else [])]
    return "\n\n".join(block for block in blocks if block)


def _plain(head: str, turns: Sequence[Turn]) -> str:
    blocks = [clean(head)]
    for turn in turns:
        blocks.append("\n".join(f"> {line}".rstrip() for line in clean(turn.words).splitlines()))
        blocks += [f"[with {clean(', '.join(turn.names))}]"] if turn.attachments else []
        blocks += [
            str(turn.data.get("text/plain", "")).strip(),
            *([f"[{clean(turn.trouble)}]"] if turn.trouble else []),
        ]
    return "\n\n".join(block for block in blocks if block)
