"""What every kind of source shares: the registry, the bounds, and the way a value becomes text.

A kind of source is one object with a name, a test and a rendering (`Kind`). The kinds that ship stand in one file each
and are named in one line each of ``sources/__init__.py``; `register` adds another one, which is asked before them.

Nothing is ever silently shortened: a value is rendered whole, or the reader is told its size and what to do.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeVar, runtime_checkable

from jupyter_localllm.errors import LocalLLMError, SourceError

__all__ = [
    "ENTRY_POINTS",
    "MAX_BYTES",
    "MAX_CELLS",
    "UNNAMED",
    "Kind",
    "Registry",
    "Rendered",
    "check_cells",
    "register",
    "render_for_prompt",
]

MAX_CELLS = 200_000
"""Most cells of a table, or values of a structure, that one expression may put into a prompt."""

MAX_BYTES = 4_000_000
"""Most bytes of text (UTF-8) that one expression may put into a prompt."""

ENTRY_POINTS = "jupyter_localllm.sources"
"""Entry points of this group name kinds: an object, or a class that is called without arguments."""

UNNAMED = "value"
"""What hints call a value whose name is not known; whoever knows the name may put it there."""

_BYTES_PER_TOKEN = 3  # tables and numbers lie near 2, English prose near 4


@dataclass(frozen=True)
class Rendered:
    """A value as a prompt shows it.

    Parameters
    ----------
    text : str
        The value itself, complete.
    note : str
        Its size in a few words, as ``"100 rows x 5 columns"``; empty for values that are short by nature.
    block : bool
        Whether the text must stand on lines of its own, as a table does.
    """

    text: str
    note: str = ""
    block: bool = False


@runtime_checkable
class Kind(Protocol):
    """A kind of variable that can be put into a prompt."""

    @property
    def name(self) -> str:
        """What the kind is called; a kind registered under a known name replaces it."""
        ...

    def matches(self, value: Any) -> bool:
        """Whether the value is of this kind. Cheap, and imports nothing that the value has not imported itself."""
        ...

    def render(self, value: Any, name: str) -> Rendered:
        """Write the whole value.

        Parameters
        ----------
        value : object
            A value that `matches`.
        name : str
            How the person called it, for hints.

        Raises
        ------
        SourceError
            The value cannot be written, or is too large.
        """
        ...


_K = TypeVar("_K", bound=Kind)


class Registry:
    """Kinds in the order in which they are asked.

    Parameters
    ----------
    kinds : iterable of Kind, optional
        The last one is asked last, so it should be the one that takes anything.
    group : str, optional
        Entry points of this group name kinds of other packages; they are loaded when a value is first read.
    """

    def __init__(self, kinds: Iterable[Kind] = (), *, group: str = "") -> None:
        self._kinds: list[Kind] = list(kinds)
        self._group = group

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the kinds, the first one asked first."""
        return tuple(kind.name for kind in self._kinds)

    def register(self, kind: _K) -> _K:
        """Ask this kind before all others; one of the same name gives way.

        Parameters
        ----------
        kind : Kind

        Returns
        -------
        Kind
            The same object.
        """
        self._kinds = [kind, *(known for known in self._kinds if known.name != kind.name)]
        return kind

    def render(self, value: Any, name: str = "") -> Rendered:
        """Render a value by the first kind that takes it; see `render_for_prompt`."""
        self._load()
        try:
            for kind in self._kinds:
                if kind.matches(value):
                    return _checked(kind.render(value, name), name)
        except LocalLLMError:
            raise
        except Exception as error:  # whatever a foreign object does while it is read
            raise SourceError(
                f"{_subject(value, name)} cannot be read: {type(error).__name__}: {error}",
                "Put something simpler into the prompt, for example {{ " + (name or UNNAMED) + ".field }}.",
            ) from error
        raise SourceError(f"{_subject(value, name)} is of no kind that can be put into a prompt.")

    def snapshot(self, value: Any, name: str) -> Any:
        """Hold a value still by the first kind that takes it; see `jupyter_localllm.sources.snapshot`."""
        self._load()
        try:
            for kind in self._kinds:
                if kind.matches(value):
                    take = getattr(kind, "snapshot", None)
                    if take is None:
                        raise SourceError(
                            f"{_subject(value, name)} cannot be cited.",
                            "Give a table, a text, a path to a file, or data made of lists and dicts.",
                        )
                    return take(value, name)
        except LocalLLMError:
            raise
        except Exception as error:  # whatever a foreign object does while it is read
            raise SourceError(
                f"{_subject(value, name)} cannot be read: {type(error).__name__}: {error}",
                "Cite something simpler made of it, for example one of its columns or fields.",
            ) from error
        raise SourceError(f"{_subject(value, name)} is of no kind that can be cited.")

    def _load(self) -> None:
        """Register the kinds that other packages bring; one that cannot be loaded is told, and the others go on."""
        group, self._group = self._group, ""
        if not group:
            return
        for point in entry_points(group=group):
            try:
                kind = point.load()
                self.register(kind() if isinstance(kind, type) else kind)
            except Exception as error:  # whatever a foreign package does while it is imported
                warnings.warn(
                    f"the source {point.name} ({point.value}) cannot be loaded: {type(error).__name__}: {error}",
                    RuntimeWarning,
                    stacklevel=3,
                )


KINDS = Registry(group=ENTRY_POINTS)
"""The kinds of this process."""

register = KINDS.register


def render_for_prompt(value: Any, *, name: str = "") -> Rendered:
    """Write a value as a prompt shows it: whole, and the same text in every process.

    Parameters
    ----------
    value : object
        A variable of the notebook. It is read, never changed, and never consumed.
    name : str, optional
        How the person called it; it appears in messages and hints.

    Returns
    -------
    Rendered

    Raises
    ------
    SourceError
        The value is larger than `MAX_CELLS` or `MAX_BYTES`, or has no text (a figure, a generator, a function …).

    Examples
    --------
    >>> render_for_prompt(3.5)
    Rendered(text='3.5', note='', block=False)
    >>> render_for_prompt({"EU": [1, 2], "US": None})
    Rendered(text='{"EU": [1, 2], "US": null}', note='2 keys', block=False)
    """
    return KINDS.render(value, name)


def check_cells(cells: int, what: str, name: str, *, chars: int | None = None, hint: str = "") -> None:
    """Refuse what has too many cells, before they are written.

    Parameters
    ----------
    cells : int
        Cells of a table or values of a structure.
    what : str
        The size in words, as ``"1,000,000 rows x 5 columns, 5,000,000 cells"``.
    name : str
        How the person called it.
    chars : int or None
        Estimated characters of the whole text, if something better is known than a few for each cell.
    hint : str, optional
        What to do about it.

    Raises
    ------
    SourceError
        There are more than `MAX_CELLS`.
    """
    if cells <= MAX_CELLS:
        return
    tokens = _tokens(chars if chars is not None else cells * 6)
    raise SourceError(
        f"{name or 'The value'} is too large for a prompt: {what} (about {tokens} tokens). "
        f"At most {MAX_CELLS:,} cells or values are put into a prompt, and nothing is left out silently.",
        hint or _hint(name),
    )


def _checked(rendered: Rendered, name: str) -> Rendered:
    chars = len(rendered.text)
    if chars * 4 <= MAX_BYTES:  # a character has at most four bytes
        return rendered
    size = len(rendered.text.encode("utf-8", "surrogatepass"))
    if size <= MAX_BYTES:
        return rendered
    what = f"{rendered.note}, " if rendered.note else ""
    raise SourceError(
        f"{name or 'The value'} is too large for a prompt: {what}{size / 1e6:,.1f} MB of text "
        f"(about {_tokens(size)} tokens). At most {MAX_BYTES / 1e6:,.0f} MB are put into a prompt, "
        "and nothing is left out silently.",
        _hint(name),
    )


def _tokens(chars: int) -> str:
    """Format a rough number of tokens, so that it does not look exact."""
    tokens = max(1, chars // _BYTES_PER_TOKEN)
    digits = max(0, len(str(tokens)) - 2)
    return f"{round(tokens, -digits):,}"


def _hint(name: str) -> str:
    it = name or UNNAMED
    return (
        "Put the part that matters into the prompt: {{ " + it + ".head(20) }} or {{ " + it + ".describe() }} "
        "of a frame, {{ " + it + "[:20] }} of a list or text."
    )


def _subject(value: Any, name: str) -> str:
    kind = type(value).__name__
    return f"{name} ({kind})" if name else f"The value ({kind})"
