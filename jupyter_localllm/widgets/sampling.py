"""The sampling settings of the kernel's own handle."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_localllm.widgets.pump import Pump

__all__ = ["Sampling"]

_HELP = {
    "temperature": "0: the likeliest token always; more varies more",
    "top_p": "Draw from the likeliest tokens that together have this probability",
    "top_k": "Draw from this many of the likeliest tokens; 0: all",
    "min_p": "Leave out tokens below this part of the best one's probability",
    "repeat_penalty": "Above 1 makes repetition less likely",
    "max_tokens": "Longest answer in tokens; empty: to its end",
    "seed": "Of the random draw; -1: a new one each time",
    "system": "System message; empty for none",
}
_FLOATS = {"temperature": (0.0, 100.0), "top_p": (0.0, 1.0), "min_p": (0.0, 1.0), "repeat_penalty": (0.01, 10.0)}
_INTS = {"top_k": (0, 1_000_000), "seed": (-1, 2**32 - 2)}


class Sampling:
    """A field for each setting; what is changed holds from the next answer on.

    Parameters
    ----------
    library : module
        ipywidgets.
    pump : Pump
    configure : callable
        Gets ``{name: value}``.

    Attributes
    ----------
    fields : dict of str to widget
    """

    def __init__(self, library: Any, pump: Pump, configure: Callable[[dict[str, Any]], None]) -> None:
        self._configure = configure
        self.fields = {name: self._field(library, name) for name in _HELP}
        for name, field in self.fields.items():
            field.observe(pump.heard(functools.partial(self._changed, name)), "value")
        self.widget = library.VBox(list(self.fields.values()))

    def tell(self, settings: Mapping[str, Any]) -> None:
        """The values that hold now."""
        for name, field in self.fields.items():
            value = settings.get(name)
            if name == "max_tokens":
                value = "" if value is None else str(value)
            if value is not None and field.value != value:
                field.value = value

    def _field(self, library: Any, name: str) -> Any:
        values = {"description": name, "tooltip": _HELP[name], "continuous_update": False}
        values |= {"style": {"description_width": "8em"}, "layout": library.Layout(width="100%")}
        if name in _FLOATS:
            low, high = _FLOATS[name]
            return library.BoundedFloatText(min=low, max=high, step=0.05, **values)
        if name in _INTS:
            least, most = _INTS[name]
            return library.BoundedIntText(min=least, max=most, **values)
        if name == "system":
            return library.Textarea(rows=2, **values)
        return library.Text(placeholder="to its end", **values)

    def _changed(self, name: str, value: Any) -> None:
        if name == "max_tokens":
            text = str(value).strip()
            value = int(text) if text.lstrip("-").isdigit() else text or None
        self._configure({name: value})
