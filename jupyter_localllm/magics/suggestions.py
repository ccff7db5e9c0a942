"""What fits at the cursor in a ``%%llm`` cell or a ``%llm`` line: the pure part of Tab completion.

It may run on every key, so it reads no files and calls no method of a variable that could be slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final

from jupyter_localllm.magics.arguments import find_target
from jupyter_localllm.magics.offered import Known, Suggestions, fitting, named, subwords
from jupyter_localllm.magics.options import OPTIONS, Option, Suggest, find_option, is_option
from jupyter_localllm.magics.subcommands import FORMS
from jupyter_localllm.magics.variables import (
    PLAIN_TYPES,
    attribute_names,
    columns_of,
    data_names,
    function_names,
    prompt_names,
    type_names,
)
from jupyter_localllm.magics.words import next_word

__all__ = ["Known", "Suggestions", "suggest"]


def suggest(before: str, variables: Mapping[str, object], known: Known, hidden: Iterable[str] = ()) -> Suggestions:
    """Find what fits at the cursor.

    Parameters
    ----------
    before : str
        The cell's text before the cursor.
    variables : Mapping of str to object
        The user's variables.
    known : Known
    hidden : iterable of str
        Variables not to be offered (IPython's own).

    Returns
    -------
    Suggestions
        Without texts if nothing of ours fits.

    Examples
    --------
    >>> suggest("%%llm --cache re", {}, Known()).texts
    ('refresh', 'require')
    >>> suggest("%llm ca", {}, Known()).texts
    ('cache',)
    """
    place = _find_place(before, known)
    if place is None:
        return Suggestions()
    line, kind = place
    unseen = frozenset(hidden)
    expression = None if kind == "cell" else _open_expression(line)
    if expression is not None:
        return _in_expression(expression, variables, unseen)
    return Suggestions() if kind == "body" else _Spot.at(line, kind == "cell").suggest(variables, known, unseen)


# ---------------------------------------------------------------------------------------------------------------------
# Where the cursor is

_APART: Final = (  # options that exclude each other
    *({"--cite", "--over"}, {"--cite", "--schema"}, {"--tools", "--over"}, {"--tools", "--schema"}),
)
_HOLDS: Final[Mapping[str, Suggest]] = {  # settings that hold names
    **{"model": "model", "draft_model": "model", "embedding_model": "model"},
    "adapter": "adapter",
}
_LINE: Final = re.compile(r"\s*(?:[^%#=]+=\s*)?%(?P<name>\w+)\s(?P<rest>.*)", re.DOTALL)
_CELL: Final = re.compile(r"%%(?P<name>\w+)(?:\s(?P<rest>.*))?", re.DOTALL)


def _find_place(before: str, known: Known) -> tuple[str, str] | None:
    """Find the text the cursor stands in, and whether it is the line of a ``cell`` or ``line`` magic, or a ``body``."""
    if "%" not in before:
        return None
    lines = before.lstrip().split("\n")
    head = _CELL.match(lines[0])
    if head is not None and known.owned(head["name"], "cell"):
        if len(lines) == 1:
            return (head["rest"], "cell") if head["rest"] is not None else None
        raw = "--raw" in (head["rest"] or "").split()
        return None if raw else (lines[-1], "body")
    current = lines[-1]
    for earlier in reversed(lines[:-1]):
        if not earlier.endswith("\\"):
            break
        current = f"{earlier[:-1]} {current}"
    match = _LINE.match(current)
    return (match["rest"], "line") if match is not None and known.owned(match["name"], "line") else None


def _open_expression(text: str) -> str | None:
    """Return what stands after a ``{{`` that is not closed yet; `None` if there is none."""
    opening = text.rfind("{{")
    return text[opening + 2 :] if opening >= 0 and "}}" not in text[opening:] else None


_NAME: Final = re.compile(r"(?<![\w.])(?:(?P<owner>[^\W\d]\w*)\.)?(?P<name>(?!\d)\w*)$")


def _in_expression(expression: str, variables: Mapping[str, object], unseen: frozenset[str]) -> Suggestions:
    """Find a variable or its attribute; nothing inside a string, after a bar (a filter), or deeper than that."""
    match = _NAME.search(expression)
    in_string = any(expression.count(mark) % 2 for mark in "\"'")
    if match is None or in_string or expression[: match.start()].rstrip().endswith("|"):
        return Suggestions()
    if match["owner"] is None:
        names = prompt_names(variables, unseen, private=match["name"].startswith("_"))
    else:
        names = attribute_names(variables.get(match["owner"]))
    return fitting(match["name"], names, "instance")


@dataclass
class _Spot:
    """Where in the line of a magic the cursor stands; `cell` says which magic, for only a cell's values have spaces."""

    cell: bool
    fragment: str = ""
    option: Option | None = None
    index: int = 0
    words: list[str] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=dict)
    target: bool = False

    @classmethod
    def at(cls, line: str, cell: bool) -> _Spot:
        """Read a line up to the cursor at its end."""
        spot = cls(cell)
        target, position = find_target(line)
        spot.target = target is not None
        while (word := next_word(line, position)) is not None:
            raw = line[word.start : word.end]
            if not word.closed or word.end == len(line):
                spot.fragment = line[word.start :]
                break
            spot._pass(raw, word.text)
            position = word.end
        free = spot.option is None or spot._more()
        if free and "=" in spot.fragment and (option := find_option(spot.fragment)) is not None:
            spot.option, spot.index, spot.fragment = option, 0, spot.fragment.partition("=")[2]
        return spot

    def _pass(self, raw: str, text: str) -> None:
        """Take a word that is complete."""
        if self.option is not None and not (self._more() and is_option(raw)):
            self.given[self.option.name].append(text)
            self.index += 1
            if self.index >= len(self.option.values) and not self._more():
                self.option, self.index = None, 0
            return
        self.option, self.index = None, 0
        option = find_option(text) if is_option(raw) and not self.words else None
        if option is None:
            self.words.append(text)
            return
        self.given.setdefault(option.name, [])
        if "=" in text:
            self.given[option.name].append(text.partition("=")[2])
            self.index = 1
        if option.values[self.index :] or (option.spaced and self.cell):
            self.option = option

    def _more(self) -> bool:
        """Whether the option has all the values it needs, and the next word may be one more."""
        return self.option is not None and self.option.spaced and self.cell and self.index >= len(self.option.values)

    def suggest(self, variables: Mapping[str, object], known: Known, unseen: frozenset[str]) -> Suggestions:
        """Find what fits."""
        options = [option.name for option in OPTIONS if self._allowed(option)]
        if self._more() and self.fragment.startswith("-"):
            return fitting(self.fragment, options, "param")
        if self.option is not None:
            found = self._values(self.option, variables, known, unseen)
            more = options if self._more() and not self.fragment else []
            return Suggestions(found.fragment, (*found.texts, *more), found.kind, found.files)
        only_prompt = bool(self.target or self.given)
        if self.words:
            return Suggestions() if self.cell or only_prompt else subwords(self.words, self.fragment, known)
        if self.cell or self.fragment.startswith("-"):
            return fitting(self.fragment, options, "param")
        names = [] if only_prompt else list(dict.fromkeys(form.name for form in FORMS))
        return fitting(self.fragment, names if self.fragment else names + options, "keyword")

    def _allowed(self, option: Option) -> bool:
        groups = {other.group for other in OPTIONS if other.name in self.given and other.group}
        apart = any({option.name, given} in _APART for given in self.given)
        free = option.many or option.name not in self.given
        return not apart and option.group not in groups and free

    def _values(
        self, option: Option, variables: Mapping[str, object], known: Known, unseen: frozenset[str]
    ) -> Suggestions:
        if option.choices:
            return fitting(self.fragment, option.choices, "value")
        if option.spaced:
            return self._cited(variables, unseen) if option.name == "--cite" else self._functions(variables, unseen)
        if option.suggest == "data":
            return fitting(self.fragment, data_names(variables, unseen), "instance")
        if option.suggest == "type":
            return fitting(self.fragment, [*type_names(variables, unseen), *PLAIN_TYPES], "class")
        if option.suggest == "column":
            over = self.given.get("--over") or [""]
            return fitting(self.fragment, columns_of(variables.get(over[-1])), "value")
        return named(self._wanted(option), self.fragment, known)

    def _wanted(self, option: Option) -> Suggest:
        """What sort of names fits; behind ``--option`` a setting's, and then those that it may hold."""
        if option.name != "--option":
            return option.suggest
        return "setting" if self.index == 0 else _HOLDS.get(self.given[option.name][-1], "")

    def _cited(self, variables: Mapping[str, object], unseen: frozenset[str]) -> Suggestions:
        """Find a variable behind ``--cite``, behind a comma, or behind ``name=``; each once, nothing in brackets."""
        names = [name for name in prompt_names(variables, unseen) if not isinstance(variables.get(name), ModuleType)]
        return self._listed("--cite", names)

    def _functions(self, variables: Mapping[str, object], unseen: frozenset[str]) -> Suggestions:
        return self._listed("--tools", function_names(variables, unseen))

    def _listed(self, option: str, names: Sequence[str]) -> Suggestions:
        fragment = self.fragment
        if not set("([{").isdisjoint(fragment):
            return Suggestions()
        earlier = ",".join(self.given.get(option, ())).split(",")
        if fragment[:1] not in {'"', "'"}:
            before, _, fragment = fragment.rpartition(",")
            earlier += before.split(",")
            fragment = fragment.rpartition("=")[2]
        return fitting(fragment, (name for name in names if name not in earlier), "instance")
