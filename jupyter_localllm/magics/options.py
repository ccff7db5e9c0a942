"""The options of ``%%llm`` and ``%llm``: the one table that parser, help text and completion read.

A new option is one new entry in `OPTIONS` (and a field of `CellArguments`, unless it is a setting). Ranges are those of
the setting's trait; a test holds them together, so that the line is refused with a sentence before anything else runs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["OPTIONS", "Option", "Suggest", "find_option", "is_option", "literal", "option_for"]

Suggest = Literal["", "model", "adapter", "chat", "setting", "data", "column", "file", "type", "function"]
Reader = Callable[[str], object]


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("it must not be empty")
    return text


def _stop(text: str) -> str:
    r"""Read a stop string; ``\n`` and ``\t`` mean what they do in Python, for no line break fits in a magic's line."""
    if not text:
        raise ValueError("it must not be empty")
    return re.sub(r"\\([nrt\\])", lambda match: {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[match[1]], text)


def _cited(text: str) -> str:
    if not text.strip(" ,"):
        raise ValueError("it must name a variable")
    return text


def _number(low: float, high: float) -> Reader:
    """Make a reader of numbers from `low` to `high`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:  # and so for nan
            raise ValueError(f"it must be a number from {low:g} to {high:g}")
        return value

    return read


def _whole(low: int, high: int | None = None) -> Reader:
    """Make a reader of whole numbers from `low` to `high`."""
    wanted = f"a whole number of {low} or more" if high is None else f"a whole number from {low} to {high}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"it must be {wanted}") from None
        if value < low or (high is not None and value > high):
            raise ValueError(f"it must be {wanted}")
        return value

    return read


def literal(text: str) -> object:
    """Read the value of ``--option KEY VALUE``: JSON where it is JSON, Python's names of constants, else text.

    Examples
    --------
    >>> literal("4096"), literal("0.5"), literal("True"), literal("none"), literal("cpu"), literal("[1, 2]")
    (4096, 0.5, True, None, 'cpu', [1, 2])
    """
    constants = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in constants:
        return constants[text.lower()]
    try:
        # "NaN" and "Infinity" are not JSON; Python's reader takes them unless told otherwise.
        return json.loads(text, parse_constant=lambda name: name)
    except (ValueError, RecursionError):
        return text


@dataclass(frozen=True)
class Option:
    """One option.

    Parameters
    ----------
    name : str
        As it is written: ``"--max-tokens"``.
    values : tuple of str
        What its values are called; empty for a flag.
    help : str
        One line for the help text.
    read : callable
        From a value's text to the value; raises `ValueError` with words that begin with "it".
    choices : tuple of str
        The only values, if they are few.
    field : str
        The field of `CellArguments` it fills, or the setting's name; by default its own name.
    flag : object
        What a flag sets.
    setting : bool
        Whether it goes to ``CellArguments.options``.
    many : bool
        Whether it may be repeated.
    group : str
        Two options of one group exclude each other.
    spaced : bool
        Whether, on the line of a cell, further words up to the next option are values, too.
    suggest : str
        What completion offers as its value.
    """

    name: str
    values: tuple[str, ...]
    help: str
    read: Reader = str
    choices: tuple[str, ...] = ()
    field: str = ""
    flag: object = True
    setting: bool = False
    many: bool = False
    group: str = ""
    spaced: bool = False
    suggest: Suggest = ""

    @property
    def dest(self) -> str:
        """The field or setting it fills."""
        return self.field or self.name[2:].replace("-", "_")

    @property
    def usage(self) -> str:
        """The option with its values: ``"--model M"``, ``"--on-error raise|record"``."""
        return " ".join((self.name, *(("|".join(self.choices),) if self.choices else self.values)))


def _setting(name: str, value: str, help: str, read: Reader, *, many: bool = False) -> Option:
    return Option(name, (value,), help, read, setting=True, many=many)


OPTIONS: Final[tuple[Option, ...]] = (
    Option("--model", ("M",), "who answers: a catalog name, a path of a GGUF, or backend:name", _name, suggest="model"),
    Option("--system", ("TEXT",), "the system message, instead of our own"),
    Option("--format", ("FORMAT",), "how the answer is shown", _name, ("markdown", "text", "json", "code")),
    Option("--schema", ("TYPE",), "answer with a value of this type; expressions in quotes", _name, suggest="type"),
    _setting("--temperature", "T", "0 takes the likeliest token always; more varies more", _number(0, 100)),
    _setting("--top-p", "P", "draw from the likeliest tokens that together have this probability", _number(0, 1)),
    _setting("--top-k", "K", "draw from this many of the likeliest tokens; 0: from all", _whole(0)),
    _setting("--min-p", "P", "leave out tokens below this part of the best one's probability", _number(0, 1)),
    _setting("--repeat-penalty", "R", "above 1 makes repetition less likely", _number(0.01, 10)),
    _setting("--max-tokens", "N", "generate at most so many tokens", _whole(1)),
    _setting("--seed", "N", "of the random draw; -1: a new one each time", _whole(-1, 2**32 - 2)),
    _setting("--stop", "TEXT", r"end the answer before this text (\n: a line break); may repeat", _stop, many=True),
    Option("--option", ("KEY", "VALUE"), "any setting (%llm config lists them); may repeat", many=True),
    Option("--continue", (), "go on with the conversation used last", field="continue_", group="conversation"),
    Option("--chat", ("NAME",), "go on with this conversation", _name, group="conversation", suggest="chat"),
    Option("--over", ("DATA",), "ask once for each row or element of this variable", _name, suggest="data"),
    Option("--column", ("NAME",), "with --over: the column to ask about", _name, suggest="column"),
    Option(
        "--cite",
        ("VAR",),
        "answer from these variables, with checked citations; may repeat",
        _cited,
        many=True,
        spaced=True,
        suggest="data",
    ),
    Option(
        "--tools",
        ("FN",),
        "functions that the model may call; may repeat",
        _cited,
        many=True,
        spaced=True,
        suggest="function",
    ),
    Option("--yes", (), "let the model call all tools without asking"),
    Option(
        "--adapter",
        ("FILE",),
        "a LoRA adapter (GGUF) to answer with, by path or name",
        _name,
        suggest="adapter",
    ),
    Option(
        "--cache",
        ("MODE",),
        "use: replay or ask; refresh: ask anew; require: replay or fail",
        _name,
        ("use", "refresh", "off", "require"),
    ),
    Option("--on-error", ("WHAT",), "record: note an error in the output and go on", _name, ("raise", "record")),
    Option("--dry-run", (), "show the messages and their tokens; generate nothing"),
    Option("--no-stream", (), "show the answer when it is complete, not as it comes", field="stream", flag=False),
    Option("--raw", (), "leave {{ }} in the prompt as it is"),
    Option("--help", (), "show this (also -h)"),
)

_BY_NAME: Final = {option.name: option for option in OPTIONS}
_BY_DEST: Final = {option.dest: option for option in OPTIONS}


def is_option(raw: str) -> bool:
    """Whether a word, as written, means to be an option: ``--word`` or ``-x``, but not ``-5`` or ``-rw-r--r--``."""
    return re.match(r"--[A-Za-z]|-[A-Za-z]$", raw) is not None


def find_option(word: str) -> Option | None:
    """Find an option by its name; ``-h``, ``--max_tokens`` and ``--max-tokens=5`` are understood."""
    name = "--help" if word == "-h" else word.partition("=")[0].replace("_", "-")
    return _BY_NAME.get(name)


def option_for(key: str) -> Option | None:
    """Find the option that fills a field or a setting."""
    return _BY_DEST.get(key)
