"""Widgets in a cell's output, and beside them the text that a saved notebook holds.

A widget in a saved notebook is dead: JupyterLab prefers ``application/vnd.jupyter.widget-view+json`` to any text beside
it in the same output, and then says that the model is not found. And an output that is changed while a person types
into its widget is drawn anew, so that what was typed is gone. So there are two outputs: the text, which is changed
whenever there is another, and the widgets, which are left alone. While the widgets live, a style of theirs hides the
text. Where they do not (a saved notebook, nbconvert, GitHub, a report), the text is there, and a style of its own hides
what JupyterLab says of them. Tried with JupyterLab 4.6 and nbconvert 7.17.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

__all__ = ["Twofold", "hiding", "new_mark"]

_VIEW = "application/vnd.jupyter.widget-view+json"
_NOTHING = {"text/html": "", "text/plain": ""}


def new_mark() -> str:
    """A name by which the styles of two outputs know each other."""
    return uuid.uuid4().hex[:8]


def hiding(library: Any, mark: str) -> Any:
    """The widget whose style hides the text; to be among the living ones.

    Parameters
    ----------
    library : module
        ipywidgets.
    mark : str
    """
    style = f"<style>.jp-LocalLLM-kept-{mark}{{display:none}}</style>"
    return library.HTML(style, layout=library.Layout(display="none"))


class Twofold:
    """Two outputs of the cell that runs now.

    Parameters
    ----------
    publish : callable
        Of the shell's display publisher, as it is now: a later cell that captures its output captures only its own.
    widget : Widget
        Gets the class ``jp-LocalLLM-panel-MARK``.
    mark : str
    data, metadata : Mapping
        The text.
    """

    def __init__(
        self, publish: Any, widget: Any, mark: str, data: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> None:
        self._publish, self._mark = publish, mark
        self._text, self._view = {"display_id": uuid.uuid4().hex}, {"display_id": uuid.uuid4().hex}
        widget.add_class(f"jp-LocalLLM-panel-{mark}")
        publish(self._marked(data), dict(metadata), transient=self._text)
        ours = {"model_id": widget.model_id, "version_major": 2, "version_minor": 0}
        publish({_VIEW: ours, **_NOTHING}, {}, transient=self._view)

    def update(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Another text. Goes by the output's own name, so to no other cell, from whatever thread."""
        self._publish(self._marked(data), dict(metadata), transient=self._text, update=True)

    def end(self) -> None:
        """Take the widgets out; the text is left. They are closed by who made them."""
        self._publish(dict(_NOTHING), {}, transient=self._view, update=True)

    def _marked(self, data: Mapping[str, Any]) -> dict[str, Any]:
        text, widgets = f".jp-LocalLLM-kept-{self._mark}", f".jp-LocalLLM-panel-{self._mark}"
        style = f".jp-OutputArea-child:has({text}) + .jp-OutputArea-child:not(:has({widgets})){{display:none}}"
        html = (
            f'<style>{style}</style>\n<div class="jp-LocalLLM-kept{text.replace(".", " ")}">\n{data["text/html"]}</div>'
        )
        return {**data, "text/html": html}
