"""What completion offers: names of one sort, words of subcommands, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from jupyter_localllm.magics.options import Suggest
from jupyter_localllm.magics.subcommands import FORMS
from jupyter_localllm.magics.words import quote

__all__ = ["Known", "Suggestions", "fitting", "named", "subwords"]


def _none() -> Iterable[str]:
    return ()


def _any(name: str, kind: str) -> bool:
    return name in {"llm", "localllm"}


@dataclass(frozen=True)
class Known:
    """What completion asks the rest of the package, each time anew.

    Parameters
    ----------
    models, adapters, chats, settings : callable
        Give the names of models, adapters, conversations and settings; cheaply.
    owned : callable
        From a magic's name and its kind, ``"line"`` or ``"cell"``, to whether it is ours now.
    """

    models: Callable[[], Iterable[str]] = _none
    adapters: Callable[[], Iterable[str]] = _none
    chats: Callable[[], Iterable[str]] = _none
    settings: Callable[[], Iterable[str]] = _none
    owned: Callable[[str, str], bool] = _any


@dataclass(frozen=True)
class Suggestions:
    """What fits at the cursor.

    Parameters
    ----------
    fragment : str
        The text before the cursor that a suggestion replaces.
    texts : tuple of str
        In the order to be shown.
    kind : str
        For the icon beside them: ``"param"``, ``"value"``, ``"keyword"`` or ``"instance"``.
    files : bool
        Whether the names of files fit too; IPython knows those.
    """

    fragment: str = ""
    texts: tuple[str, ...] = ()
    kind: str = "value"
    files: bool = False


def subwords(words: Sequence[str], fragment: str, known: Known) -> Suggestions:
    """Find what fits after the first words of a subcommand."""
    forms = [form for form in FORMS if form.name == words[0]]
    texts: list[str] = []
    if len(words) == 1:
        texts += [form.action for form in forms if form.action]
    for form in forms:
        fixed = [form.name, form.action] if form.action else [form.name]
        if list(words[: len(fixed)]) != fixed:
            continue
        rest = words[len(fixed) :]
        flags = {flag.name: flag for flag in form.flags}
        if rest and rest[-1] in flags and flags[rest[-1]].value:
            return named(flags[rest[-1]].suggest, fragment, known)
        if not any(word in flags for word in rest):
            texts += flags
        if not rest and form.suggest:
            found = named(form.suggest, fragment, known)
            extra = fitting(fragment, texts, "keyword").texts
            return Suggestions(fragment, (*found.texts, *extra), found.kind, found.files)
    return fitting(fragment, texts, "keyword")


def named(wanted: Suggest, fragment: str, known: Known) -> Suggestions:
    """Find the names of one sort."""
    sources = {
        **{"model": known.models, "adapter": known.adapters},
        **{"chat": known.chats, "setting": known.settings},
    }
    names = sources[wanted]() if wanted in sources else ()
    return fitting(fragment, names, "value", files=wanted in {"model", "adapter", "file"})


def fitting(fragment: str, texts: Iterable[str], kind: str, *, files: bool = False) -> Suggestions:
    """Keep the texts that begin with what is written, in quotes where they need some."""
    written = fragment[1:] if fragment[:1] in {'"', "'"} else fragment
    quoted = written != fragment
    found = tuple(
        f'"{text}"' if quoted and quote(text) == text else quote(text) if kind == "value" else text
        for text in texts
        if text.startswith(written)
    )
    return Suggestions(fragment, found, kind, files)
