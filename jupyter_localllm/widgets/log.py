"""The messages: one widget for each, so that what is whole is never sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jupyter_localllm.widgets.kept import Turn, question_html

__all__ = ["Log"]

_MOST = 100  # turns; each is two widgets of the page


class Log:
    """The turns of a conversation, the newest in sight.

    Parameters
    ----------
    library : module
        ipywidgets.

    Attributes
    ----------
    widget : Box
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self._rows: dict[str, tuple[Any, Any]] = {}
        self._layout = library.Layout(width="auto", margin="0", overflow="visible", flex="0 0 auto")
        self._styles = (library.HTML().style, library.HTMLMath().style)
        self._note = library.HTML(layout=self._layout)
        self._inner = library.VBox(layout=library.Layout(width="100%", flex="0 0 auto", overflow="visible"))
        # Turned upside down, with one child the right way up: it stays at its end while that grows, without a script.
        self.widget = library.VBox(
            [self._inner],
            layout=library.Layout(max_height="36em", overflow="auto", flex_flow="column-reverse", width="100%"),
        )
        self.show([])

    def show(self, turns: Sequence[Turn], note: str = "") -> None:
        """Show these turns; widgets of turns that were there stay as they are."""
        shown = turns[-_MOST:]
        rows = {turn.request: self._rows.get(turn.request) or self._row() for turn in shown}
        gone = [row for request, row in self._rows.items() if request not in rows]
        self._rows = rows
        for turn in shown:
            self.update(turn)
        left = len(turns) - len(shown)
        self._note.value = f"<p>{left:,} earlier questions are not shown here.</p>" if left else note
        children = (self._note, *(widget for row in rows.values() for widget in row))
        if children != self._inner.children:
            self._inner.children = children
        for question, answer in gone:
            question.close()
            answer.close()

    def update(self, turn: Turn) -> None:
        """Show a turn as it is now."""
        row = self._rows.get(turn.request)
        if row is not None:
            row[0].value, row[1].value = question_html(turn), turn.html()

    def _row(self) -> tuple[Any, Any]:
        question = self._library.HTML(layout=self._layout, style=self._styles[0])
        return question, self._library.HTMLMath(layout=self._layout, style=self._styles[1])
