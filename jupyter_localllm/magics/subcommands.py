"""The subcommands of ``%llm``: one table, read by parser, help text and completion.

A subcommand counts only when its whole line parses as one; else the line is a prompt. So ``%llm status`` tells the
status, and ``%llm status please``, ``%llm use the force`` and ``%llm models?`` ask the model. ``%llm -- status`` asks
the model too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from jupyter_localllm.magics.options import Reader, Suggest, is_option
from jupyter_localllm.magics.words import Word, next_word

__all__ = ["FORMS", "Flag", "Form", "Subcommand", "days", "near_subcommand", "parse_subcommand"]


@dataclass(frozen=True)
class Subcommand:
    """A parsed subcommand.

    Parameters
    ----------
    name : str
        ``"status"``, ``"cache"`` …
    action : str
        What to do, where a subcommand does several things: ``"show"``, ``"clear"``, ``"prune"``, ``"export"``,
        ``"import"``; empty otherwise.
    value : str or None
        Its argument: a model, a file, a setting's or a conversation's name.
    options : Mapping
        ``{"days": 30.0}``, ``{"file": "x.toml"}``, ``{"clear": True}``, ``{"save": "x.json"}`` …
    """

    name: str
    action: str = ""
    value: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


def days(text: str) -> float:
    """Read a number of days, or raise a `ValueError`."""
    read = float(text)
    if not 0 <= read < float("inf"):
        raise ValueError("it must be a number of 0 or more")
    return read


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError("it must be 1 or more")
    return count


@dataclass(frozen=True)
class Flag:
    """An option of a subcommand."""

    name: str
    value: str = ""
    read: Reader = str
    suggest: Suggest = ""

    @property
    def usage(self) -> str:
        """As the help shows it: ``"--days N"``."""
        return f"{self.name} {self.value}".strip()


@dataclass(frozen=True)
class Form:
    """One way to write a subcommand.

    Parameters
    ----------
    name, action : str
        The fixed words; `action` may be empty.
    help : str
        One line for the help text.
    value : str
        What its argument is called; empty if it takes none.
    optional : bool
        Whether the argument may be left out.
    flags : tuple of Flag
        At most one of them may be given,
    several : bool
        unless several may be.
    suggest : str
        What completion offers as its argument.
    default : str
        The action of a line without one.
    """

    name: str
    help: str
    action: str = ""
    value: str = ""
    optional: bool = False
    flags: tuple[Flag, ...] = ()
    several: bool = False
    suggest: Suggest = ""
    default: str = ""

    @property
    def usage(self) -> str:
        """As the help shows it: ``"history [NAME] [--clear|--save FILE|--load FILE]"``."""
        value = f"[{self.value}]" if self.optional else self.value
        flags = f"[{('] [' if self.several else '|').join(flag.usage for flag in self.flags)}]" if self.flags else ""
        return " ".join(part for part in (self.name, self.action, value, flags) if part)


FORMS: Final[tuple[Form, ...]] = (
    Form("status", "what is loaded and what it takes"),
    Form("use", "answer with this model from now on", value="MODEL", suggest="model"),
    Form(
        "models", "the models here and which fit; or all about one",
        value="MODEL", optional=True, suggest="model",
    ),
    Form(
        "pull", "fetch a model by its name, and check it", value="MODEL", suggest="model",
        flags=(Flag("--force"),),
    ),
    Form("unload", "give the memory back, of one model or of all", value="MODEL", optional=True, suggest="model"),
    Form("cache", "size, hits and entries of the answers kept on disk", default="show"),
    Form("cache", "the same", action="show"),
    Form("cache", "forget all answers", action="clear"),
    Form("cache", "forget answers not used for N days", action="prune", flags=(Flag("--days", "N", days),)),
    Form("cache", "write the answers to a text file", action="export", value="FILE", suggest="file"),
    Form("cache", "read them from one", action="import", value="FILE", suggest="file"),
    Form(
        "config", "each setting, its value and where it comes from", value="NAME", optional=True, suggest="setting",
        flags=(Flag("--file", "FILE", suggest="file"),),
    ),
    Form(
        "history", "the turns of a conversation", value="NAME", optional=True, suggest="chat",
        flags=(Flag("--clear"), Flag("--save", "FILE", suggest="file"), Flag("--load", "FILE", suggest="file")),
    ),
    Form("explain", "explain the last error of this notebook"),
    Form("fix", "propose a corrected cell for the last error"),
    Form("panel", "the chat as widgets, in this cell", value="NAME", optional=True, suggest="chat"),
    Form(
        "bench", "measure models, speed and quality; several with commas",
        value="MODEL", optional=True, suggest="model",
        flags=(
            Flag("--n", "N", _count), Flag("--quality"), Flag("--file", "FILE", suggest="file"),
            Flag("--out", "FILE", suggest="file"),
        ),
        several=True,
    ),
    Form("doctor", "check the installation and this machine", flags=(Flag("--quick"),)),
    Form("help", "show this"),
)  # fmt: skip


def parse_subcommand(line: str) -> Subcommand | None:
    """Read a whole line as a subcommand, or `None` if it is not one.

    Examples
    --------
    >>> parse_subcommand("cache prune --days 30")
    Subcommand(name='cache', action='prune', value=None, options={'days': 30.0})
    >>> parse_subcommand("use the force") is None
    True
    """
    words = _words(line)
    return next((found for form in FORMS if (found := _match(form, words)) is not None), None)


def near_subcommand(line: str) -> str:
    """Name the subcommand that a prompt might have meant to be; empty if none.

    A line is near one if it lacks only the end (``cache export``), or if its fixed words are there and an option too
    (``cache prune --days soon``). The caller may tell the person beside the answer.
    """
    words = _words(line)
    texts = tuple(word.text for word in words)
    if not texts or parse_subcommand(line) is not None:
        return ""
    for form in FORMS:
        fixed = (form.name, form.action) if form.action else (form.name,)
        if texts == fixed or (texts[: len(fixed)] == fixed and form.flags and any(is_option(text) for text in texts)):
            return form.usage
    return ""


def _words(line: str) -> tuple[Word, ...]:
    words = []
    word = next_word(line)
    while word is not None:
        words.append(word)
        word = next_word(line, word.end)
    return tuple(words)


def _match(form: Form, words: tuple[Word, ...]) -> Subcommand | None:
    fixed = (form.name, form.action) if form.action else (form.name,)
    if tuple(word.text for word in words[: len(fixed)]) != fixed or not all(word.closed for word in words):
        return None
    value: str | None = None
    options: dict[str, object] = {}
    rest = iter(words[len(fixed) :])
    for word in rest:
        if is_option(word.text) and not word.quoted:
            found = _flag(form, word, rest)
            if not found or (options if not form.several else found.keys() & options.keys()):
                return None
            options |= found
        elif form.value and value is None and word.text:
            value = word.text
        else:
            return None
    if form.value and not form.optional and value is None:
        return None
    return Subcommand(form.name, form.action or form.default, value, options)


def _flag(form: Form, word: Word, rest: Iterator[Word]) -> dict[str, object]:
    """Read a flag and its value; empty if this form has none like it."""
    name, equals, text = word.text.partition("=")
    flag = next((flag for flag in form.flags if flag.name == name), None)
    if flag is None or (equals and not flag.value):
        return {}
    if not flag.value:
        return {name[2:]: True}
    if not equals:
        following = next(rest, None)
        if following is None or (is_option(following.text) and not following.quoted):
            return {}
        text = following.text
    try:
        return {name[2:]: flag.read(text)} if text else {}
    except ValueError:
        return {}
