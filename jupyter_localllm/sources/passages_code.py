"""Passages of code: functions and classes by their source, cut at ``def`` and ``class``.

Lines are counted within the text that was given: a cell, a file, or the source of one function from its first line on.
So a citation of a function stays good when its cell gets another line above it.

Lines of magics and shell commands are taken for empty ones while the code is parsed. What cannot be parsed is one
block.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.cutting import cuts
from jupyter_localllm.sources.held import Held, lines_label, sha256_of
from jupyter_localllm.sources.passages_text import text_size, whole_lines
from jupyter_localllm.sources.syntax import syntax_of
from jupyter_localllm.types import Locator, Passage

__all__ = ["HeldCode", "hold_code"]

_MAGIC = re.compile(r"^[ \t]*[%!?][^\n]*", re.MULTILINE)
_MOST = 2_000_000  # characters that are parsed; longer code is cut by its lines only
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class _Segment:
    """Code from one definition to the next: its characters, its first line, and the names it stands under."""

    start: int
    end: int
    line: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class HeldCode(Held):
    """Code, kept as one string.

    Parameters
    ----------
    text : str
    """

    text: str

    @property
    def kind(self) -> str:
        """Say ``"code"``."""
        return "code"

    @cached_property
    def sha256(self) -> str:
        """Of all characters."""
        return sha256_of(self.text)

    @cached_property
    def _segments(self) -> tuple[_Segment, ...]:
        return tuple(_segments(self.text))

    def passages(self) -> Iterator[Passage]:
        """One for each function and method, more for long ones."""
        for segment in self._segments:
            yield from self._cut(segment)

    def resolve(self, locator: Locator) -> Passage | None:
        """The block in these lines, or the lines as they are if they are cut in another way by now."""
        if locator.lines is None or locator.path is not None or locator.page is not None:
            return None
        same = (passage for passage in self.passages() if passage.locator.lines == locator.lines)
        passage = next((p for p in same if locator.label in ("", p.locator.label)), None)
        if passage is not None:
            return passage
        body = whole_lines(self.text, *locator.lines)
        return self._passage(body, *locator.lines, ()) if body else None

    def _cut(self, segment: _Segment) -> Iterator[Passage]:
        position, line, part, before = segment.start, segment.line, 0, (0, 0)
        for start, end in cuts(self.text, segment.start, segment.end, by_lines=True):
            first = line + self.text.count("\n", position, start)
            last = first + self.text.count("\n", start, end)
            part = part + 1 if (first, last) == before else 0  # parts of one endless line
            position, line, before = start, first, (first, last)
            yield self._passage(self.text[self._indented(start) : end], first, last, segment.names, part)

    def _indented(self, start: int) -> int:
        """Go back over the blanks that a line starts with."""
        position = start
        while position > 0 and self.text[position - 1] in " \t":
            position -= 1
        return position if position == 0 or self.text[position - 1] == "\n" else start

    def _passage(self, body: str, first: int, last: int, names: tuple[str, ...], part: int = 0) -> Passage:
        label = lines_label(first, last, part and part + 1)
        bare = textwrap.dedent(body)
        text = f"{'.'.join(names)}:\n{bare}" if names else bare
        digest = sha256_of("\n".join((*names, body.strip())))
        return Passage(self.name, "code", text, Locator(lines=(first, last), label=label), digest)


def hold_code(value: Any, name: str) -> HeldCode:
    """Hold the source of a function or class.

    Parameters
    ----------
    value : function, method or class
    name : str

    Raises
    ------
    SourceError
        It has no source in Python: a builtin, or one whose file or cell is gone.
    """
    target = value if isinstance(value, type) else inspect.unwrap(value)
    try:
        text = inspect.getsource(target)
    except (OSError, TypeError):
        text = ""
    if isinstance(target, type) and not re.search(rf"^\s*class\s+{re.escape(target.__name__)}\b", text, re.MULTILINE):
        text = _class_in_cell(target)
    if not text:
        what = "class" if isinstance(value, type) else "function"
        raise SourceError(
            f"{name} is a {what} without source in Python: it is built in, compiled, or its cell or file is gone.",
            f"Cite its documentation: doc = {name}.__doc__, then doc.",
        )
    text = textwrap.dedent(text)
    return HeldCode(name, text_size(text), (), text)


def _class_in_cell(kind: type) -> str:
    """Source of a class that was defined in a cell.

    ``inspect`` looks for a class in the file of its module. A notebook has none, or another one: then Python 3.13 and
    newer give lines of that. So it is looked for where its functions come from, else in the cells that Python
    remembers, the latest first.
    """
    members = (inspect.unwrap(member) for member in vars(kind).values() if inspect.isfunction(member))
    files = [member.__code__.co_filename for member in members]
    if kind.__module__ == "__main__":
        files += [file for file in reversed(list(linecache.cache)) if "ipython-input" in file or "ipykernel" in file]
    for file in dict.fromkeys(files):
        source = "".join(linecache.getlines(file))
        for node in ast.walk(_parsed(source)):
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                return ast.get_source_segment(source, node, padded=True) or ""
    return ""


def _parsed(text: str) -> ast.Module:
    """The syntax tree of a cell or file; an empty one if it has none."""
    return syntax_of(_MAGIC.sub("", text)) or ast.Module([], [])


def _segments(text: str) -> Iterator[_Segment]:
    """Cut code at definitions: at the outer level, and one level inside of classes."""
    body = _parsed(text).body if len(text) < _MOST else []
    starts = _starts(body, (), 1) or [(1, ())]
    position, line = 0, 1
    for place, (_, names) in enumerate(starts):
        until = starts[place + 1][0] if place + 1 < len(starts) else None
        end = position
        while until is not None and line < until:
            end, line = text.index("\n", end) + 1, line + 1
        end = len(text) if until is None else end
        if text[position:end].strip():
            yield _Segment(position, end, starts[place][0], names)
        position = end


def _starts(body: list[ast.stmt], names: tuple[str, ...], line: int) -> list[tuple[int, tuple[str, ...]]]:
    """First lines of segments, comments above a definition included; statements in a row are one segment."""
    starts: list[tuple[int, tuple[str, ...]]] = []
    for node in body:
        if isinstance(node, _DEFINITIONS):
            inner = (*names, node.name)
            starts.append((line, inner))
            if isinstance(node, ast.ClassDef) and not names:
                first = node.body[0]
                above = [known.lineno for known in getattr(first, "decorator_list", ())]
                within = _starts(node.body, inner, min(above, default=first.lineno))
                starts += [start for start in within if start != within[0] or start[1] != inner]
        elif not starts or starts[-1][1] != names:
            starts.append((line, names))
        line = max(line, (node.end_lineno or line) + 1)
    return starts
