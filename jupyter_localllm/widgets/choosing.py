"""Which conversation, which model: to choose from, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from jupyter_localllm.show.plain import clean
from jupyter_localllm.widgets.pump import Pump

__all__ = ["Conversations", "Model", "model_label", "model_words"]

_FITS = {"yes": "fits", "tight": "tight", "no": "does not fit", "unknown": ""}
_BUTTONS: dict[str, tuple[str, str]] = {
    "new": ("New", "Begin another conversation"),
    "rename": ("Rename", "Give it the name in the field"),
    "clear": ("Clear", "Forget its turns"),
    "delete": ("Delete", "Forget it, here and on disk"),
}

Do = Callable[..., None]


def megabytes(count: float) -> str:
    """Bytes for people.

    Examples
    --------
    >>> megabytes(98_400_000), megabytes(4.1e9)
    ('98 MB', '4.1 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def model_label(model: Mapping[str, Any]) -> str:
    """A model in one line.

    Examples
    --------
    >>> model_label({"name": "m", "path": "m.gguf", "bytes": 98e6, "memory_bytes": 2e8, "fits": "yes", "loaded": True})
    'm \u00b7 200 MB of memory \u00b7 loaded'
    """
    if model["path"] is None:
        return f"{model['name']} \u00b7 not installed"
    memory = model["memory_bytes"]
    size = f"{megabytes(memory)} of memory" if memory else megabytes(model["bytes"])
    words = [model["name"], size, "loaded" if model["loaded"] else _FITS.get(model["fits"], "")]
    return " \u00b7 ".join(word for word in words if word)


def model_words(model: Mapping[str, Any]) -> str:
    """How the kernel's own model is, in one line.

    Examples
    --------
    >>> model_words({"name": "m", "state": "loaded", "memory_bytes": 2e8, "window": 8192, "used": 812, "text": ""})
    'm \u00b7 loaded \u00b7 200 MB \u00b7 812 of 8,192 tokens used'
    """
    words = [model["name"], {"absent": "not loaded", "failed": "cannot be loaded"}.get(model["state"], model["state"])]
    if model.get("memory_bytes"):
        words.append(megabytes(model["memory_bytes"]))
    if model.get("window"):
        used = f"{model['used']:,} of {model['window']:,} tokens used" if model.get("used") else ""
        words.append(used or f"window of {model['window']:,} tokens")
    elif model.get("text"):
        words.append(model["text"])
    return " \u00b7 ".join(words)


class _Part:
    """What both share: a list to choose from, whose changes are told once and by people only."""

    def __init__(self, library: Any, name: str) -> None:
        wide, style = library.Layout(flex="1 1 12em", width="auto", min_width="8em"), {"description_width": "5.5em"}
        self.chosen = library.Dropdown(description=name, layout=wide, style=style)

    def offer(self, options: Sequence[tuple[str, str]], value: str | None) -> None:
        """What there is, and which of it is meant."""
        known = [name for _label, name in options]
        value = value if value in known else (known[0] if known else None)
        if tuple(self.chosen.options) == tuple(options) and self.chosen.value == value:
            return
        with self.chosen.hold_sync():
            self.chosen.options = tuple(options)
            self.chosen.value = value


class Conversations(_Part):
    """The conversations of the kernel.

    Parameters
    ----------
    library : module
    pump : Pump
    choose : callable
        Gets the name of the one to show.
    do : callable
        Gets one of ``new``, ``rename``, ``clear``, ``delete``, ``keep``, ``export``, and a value.
    """

    def __init__(self, library: Any, pump: Pump, choose: Do, do: Do) -> None:
        super().__init__(library, "Chat")
        narrow = library.Layout(width="auto", flex="0 0 auto")
        self.buttons = {
            name: library.Button(description=words, tooltip=help, layout=narrow)
            for name, (words, help) in _BUTTONS.items()
        }
        self.name = library.Text(
            description="Name",
            placeholder="Another name",
            continuous_update=False,
            style={"description_width": "5.5em"},
        )
        self.keep = library.ToggleButton(description="Keep", tooltip="Keep it on disk", layout=narrow)
        self.export = library.Button(description="Export", tooltip="Show it as Markdown", layout=narrow)
        self.markdown = library.Textarea(
            rows=8, tooltip="The conversation as Markdown", layout=library.Layout(width="100%", display="none")
        )
        rows = library.Layout(flex_flow="row wrap")
        self.top = library.HBox([self.chosen, self.buttons["new"]], layout=library.Layout(width="100%"))
        more = [self.buttons[name] for name in ("clear", "delete")]
        self.widget = library.VBox(
            [
                library.HBox([self.name, self.buttons["rename"]], layout=rows),
                library.HBox([*more, self.keep, self.export], layout=rows),
                self.markdown,
            ]
        )
        self.chosen.observe(pump.heard(choose), "value")
        self.keep.observe(pump.heard(lambda value: do("keep", value)), "value")
        self.export.on_click(lambda _button: pump.put(lambda: do("export", None)))
        for name, button in self.buttons.items():
            button.on_click(lambda _button, name=name: pump.put(lambda: self._pressed(name, do)))

    def tell(self, listed: Sequence[Mapping[str, Any]], current: str) -> None:
        """What there is, and which is shown."""
        options = [(f"{one['name']} \u00b7 {_turns(one['turns'])}", one["name"]) for one in listed]
        if current not in [name for _label, name in options]:
            options.append((f"{current} \u00b7 new", current))
        self.offer(options, current)
        self.keep.value = any(one["name"] == current and one["kept"] for one in listed)

    def show_markdown(self, text: str) -> None:
        """Show it for copying."""
        self.markdown.value, self.markdown.layout.display = text, ""

    def _pressed(self, name: str, do: Do) -> None:
        button = self.buttons[name]
        if name == "delete" and button.description == "Delete":
            button.description = "Really delete?"
            return
        self.calm()
        do(name, str(self.name.value).strip())

    def calm(self) -> None:
        """Nothing is about to be deleted."""
        self.buttons["delete"].description = "Delete"


class Model(_Part):
    """The kernel's model, and those that there are.

    Parameters
    ----------
    library : module
    pump : Pump
    do : callable
        Gets ``"use"`` or ``"unload"``, and a model's name.
    """

    def __init__(self, library: Any, pump: Pump, do: Do) -> None:
        super().__init__(library, "Model")
        narrow = library.Layout(width="auto", flex="0 0 auto")
        self.use = library.Button(description="Use", tooltip="Use this model from now on, and load it", layout=narrow)
        self.unload = library.Button(description="Unload", tooltip="Give the memory back", layout=narrow)
        self.words = library.HTML()
        self.bar = library.FloatProgress(min=0.0, max=1.0, layout=library.Layout(width="100%", display="none"))
        self.widget = library.HBox([self.chosen, self.use, self.unload], layout=library.Layout(flex_flow="row wrap"))
        self.status = library.VBox([self.words, self.bar], layout=library.Layout(width="100%"))
        self._listed: Sequence[Mapping[str, Any]] = ()
        self.use.on_click(lambda _button: pump.put(lambda: do("use", self.chosen.value)))
        self.unload.on_click(lambda _button: pump.put(lambda: do("unload", None)))

    def tell(self, model: Mapping[str, Any]) -> None:
        """How the kernel's own model is."""
        color = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676))"
        self.words.value = f'<span style="{color}">{escape(clean(model_words(model)))}</span>'
        loading, progress = model["state"] == "loading", model.get("progress")
        self.bar.layout.display = "" if loading and progress is not None else "none"
        self.bar.value = progress or 0.0
        self.unload.disabled = model["state"] != "loaded"

    def list(self, models: Sequence[Mapping[str, Any]], current: str) -> None:
        """What there is to choose from."""
        self.offer([(model_label(one), one["name"]) for one in models], current.lower())


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count:,} turns"
