"""All widgets of a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Protocol

from jupyter_localllm.show.plain import clean
from jupyter_localllm.widgets.choosing import Conversations, Model
from jupyter_localllm.widgets.composer import Composer
from jupyter_localllm.widgets.log import Log
from jupyter_localllm.widgets.pump import Pump
from jupyter_localllm.widgets.sampling import Sampling
from jupyter_localllm.widgets.twofold import hiding

__all__ = ["Desk", "View", "queue_words"]

_QUIET = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676));font-size:.9em"
_WARN = "border-left:3px solid var(--jp-warn-color1,var(--vscode-editorWarning-foreground,#c47f00));padding-left:.7em"
_MOST_QUEUED = 3


class Desk(Protocol):
    """Who does what a person wants."""

    def ask(self, text: str, names: list[str]) -> None:
        """Ask a question."""
        ...

    def stop(self) -> None:
        """Stop what is being answered."""
        ...

    def choose(self, name: str) -> None:
        """Show this conversation."""
        ...

    def change(self, what: str, value: Any) -> None:
        """Change the conversation."""
        ...

    def model(self, what: str, name: str | None) -> None:
        """Use a model, or unload it."""
        ...

    def configure(self, values: dict[str, Any]) -> None:
        """Change sampling settings."""
        ...


class View:
    """The panel's widgets, from top to bottom: model, conversation, log, composer, and what is folded away.

    Parameters
    ----------
    library : module
        ipywidgets.
    pump : Pump
    desk : Desk
    mark : str
        By which the panel's style finds its text (`jupyter_localllm.widgets.twofold`).

    Attributes
    ----------
    widget : Box
    """

    def __init__(self, library: Any, pump: Pump, desk: Desk, mark: str) -> None:
        self.log = Log(library)
        self.composer = Composer(library, pump, desk.ask, desk.stop)
        self.conversations = Conversations(library, pump, desk.choose, desk.change)
        self.model = Model(library, pump, desk.model)
        self.sampling = Sampling(library, pump, desk.configure)
        self.queue, self.trouble = library.HTML(), library.HTML()
        more = library.Accordion(
            [self.model.widget, self.sampling.widget, self.conversations.widget],
            titles=("Model", "Settings", "Conversation"),
            selected_index=None,
            layout=library.Layout(width="auto", margin="6px 2px 0"),
        )
        parts = [self.model.status, self.conversations.top, self.log.widget, self.queue, self.trouble]
        self.widget = library.VBox(
            [*parts, self.composer.widget, more, hiding(library, mark)],
            layout=library.Layout(width="100%", max_width="60em"),
        )
        self.widget.add_class("jp-LocalLLM-panel")

    def tell(self, state: Mapping[str, Any], conversation: str, *, settings: bool = True) -> None:
        """How things stand; `settings`: in the fields of the settings, too."""
        self.model.tell(state["model"])
        self.conversations.tell(state["conversations"], conversation)
        if settings:
            self.sampling.tell(state["settings"])
        words = queue_words(state["queue"])
        self.queue.value = f'<span style="{_QUIET}">{escape(clean(words))}</span>' if words else ""
        mine = [one for one in state["queue"] if one["kind"] == "use" or one["conversation"] == conversation]
        self.composer.stop.disabled = not any(one["kind"] in ("ask", "use") for one in mine)

    def warn(self, text: str = "") -> None:
        """What went wrong; empty: nothing."""
        self.trouble.value = f'<div style="{_WARN};white-space:pre-wrap">{escape(clean(text))}</div>' if text else ""

    def close(self) -> None:
        """Take all widgets away."""
        waiting, seen = [self.widget, self.composer.line, self.composer.lines], set()
        while waiting:
            widget = waiting.pop()
            if widget is None or id(widget) in seen:
                continue
            seen.add(id(widget))
            waiting += [*getattr(widget, "children", ()), getattr(widget, "layout", None)]
            waiting.append(getattr(widget, "style", None))
            widget.close()


def queue_words(queue: Sequence[Mapping[str, Any]]) -> str:
    """What runs and waits, in one line.

    Examples
    --------
    >>> entry = {"kind": "ask", "conversation": "trip", "state": "reading", "waits_for": None, "text": "prompt 5/9"}
    >>> queue_words([entry, {**entry, "kind": "cell", "conversation": None, "state": "writing", "text": ""}])
    'trip: prompt 5/9 \u00b7 a cell: writing'
    """
    told = [one for one in queue if one["kind"] != "complete"]
    words = [f"{_who(one)}: {one['text'] or _doing(one)}" for one in told[:_MOST_QUEUED]]
    if len(told) > _MOST_QUEUED:
        words.append(f"{len(told) - _MOST_QUEUED:,} more")
    return " \u00b7 ".join(words)


def _who(entry: Mapping[str, Any]) -> str:
    return {"use": "model", "cell": "a cell"}.get(entry["kind"]) or entry["conversation"] or "a question"


def _doing(entry: Mapping[str, Any]) -> str:
    return "waits for the answer before" if entry["waits_for"] else str(entry["state"])
