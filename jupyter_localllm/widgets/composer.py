"""Where a question is written, and what is attached to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_localllm.widgets.pump import Pump

__all__ = ["Composer", "variable_label"]

_SETTLE_SECONDS = 0.15


def variable_label(variable: Mapping[str, Any]) -> str:
    """A variable in one line.

    Examples
    --------
    >>> variable_label({"name": "df", "type": "DataFrame", "shape": "980 x 6", "tokens": 1500})
    'df \u00b7 DataFrame \u00b7 980 x 6 \u00b7 about 1,500 tokens'
    """
    tokens = variable.get("tokens")
    words = [variable["name"], variable["type"], variable["shape"], f"about {tokens:,} tokens" if tokens else ""]
    return " \u00b7 ".join(word for word in words if word)


class Composer:
    """A line, or several, with a button; Enter sends a single line.

    Parameters
    ----------
    library : module
        ipywidgets.
    pump : Pump
    ask : callable
        Gets the text and the names of the variables; called by the pump.
    stop : callable
        Called by the pump.
    """

    def __init__(
        self, library: Any, pump: Pump, ask: Callable[[str, list[str]], None], stop: Callable[[], None]
    ) -> None:
        self._library, self._pump, self._ask = library, pump, ask
        wide = library.Layout(flex="1 1 12em", width="auto", min_width="8em")
        # The value comes with Enter or when the field is left: a click on Send is then behind it, also where the kernel
        # was busy and all of it waited.
        named = {
            "style": {"description_width": "5.5em"},
            "continuous_update": False,
        }  # the name, for screen readers too
        values = {"description": "Question", "placeholder": "Ask about this notebook", "layout": wide, **named}
        self.line = library.Text(tooltip="Enter sends it", **values)
        self.lines = library.Textarea(rows=4, **values)
        self.send = library.Button(description="Send", button_style="primary", tooltip="Send the question")
        self.stop = library.Button(description="Stop", tooltip="Stop the answer", disabled=True)
        self.several = library.ToggleButton(description="Lines", tooltip="Write several lines")
        self.variables = library.Combobox(
            description="Variables",
            placeholder="Attach a variable",
            tooltip="Variables to answer from",
            layout=library.Layout(width="auto"),
            **named,
        )
        self._labels: dict[str, str] = {}
        self._names: list[str] = []
        for button in (self.send, self.stop, self.several):
            button.layout = library.Layout(width="auto", flex="0 0 auto")
        self.chips = library.HBox(layout=library.Layout(flex_flow="row wrap"))
        self._row = library.HBox(
            [self.line, self.send, self.stop, self.several], layout=library.Layout(flex_flow="row wrap", width="100%")
        )
        self.widget = library.VBox([self.chips, self._row, self.variables], layout=library.Layout(width="100%"))
        self.send.on_click(lambda _button: self._submit())
        self.stop.on_click(lambda _button: pump.put(stop))
        self.line.on_msg(
            lambda _widget, content, _buffers: self._submit() if content.get("event") == "submit" else None
        )
        self.several.observe(pump.heard(lambda _value: self._toggle()), "value")
        self.variables.observe(pump.heard(self._choose), "value")

    @property
    def field(self) -> Any:
        """Where the question stands now."""
        return self.lines if self.several.value else self.line

    @property
    def names(self) -> list[str]:
        """The attached variables."""
        return list(self._names)

    def offer(self, variables: Sequence[Mapping[str, Any]]) -> None:
        """Variables to choose from."""
        self._labels = {variable_label(one): str(one["name"]) for one in variables}
        if tuple(self._labels) != self.variables.options:
            self.variables.options = tuple(self._labels)

    def attach(self, names: Sequence[str]) -> None:
        """Attach these variables, and no others."""
        old, self._names = self.chips.children, list(dict.fromkeys(names))
        self.chips.children = tuple(self._chip(name) for name in self._names)
        for chip in old:
            chip.close()

    def write(self, text: str) -> None:
        """Put a text where the question stands."""
        if "\n" in text:
            self.several.value = True
            self._toggle()
        self.field.value = text

    def _submit(self) -> None:
        # Enter's own message comes before the one that says what was typed.
        timer = threading.Timer(_SETTLE_SECONDS, lambda: self._pump.put(self._sent, key=("submit", id(self))))
        timer.daemon = True
        timer.start()

    def _sent(self) -> None:
        text = str(self.field.value)
        if not text.strip():
            return
        names = self.names
        self.field.value = ""
        self.attach([])
        self._ask(text, names)

    def _toggle(self) -> None:
        field, other = self.field, self.line if self.several.value else self.lines
        field.value, other.value = other.value or field.value, ""
        self._row.children = (field, *self._row.children[1:])

    def _choose(self, value: Any) -> None:
        chosen = str(value).strip()
        if not chosen:
            return
        self.variables.value = ""
        self.attach([*self._names, self._labels.get(chosen, chosen)])

    def _chip(self, name: str) -> Any:
        layout = self._library.Layout(width="auto")
        chip = self._library.Button(description=f"{name} \u00d7", tooltip=f"Remove {name}", layout=layout)
        chip.on_click(lambda _button: self._pump.put(lambda: self.attach([one for one in self._names if one != name])))
        return chip
