"""So that ``%llm What is the capital of Japan?`` is a prompt.

IPython takes a line that ends in ``?`` for a request for help, before any magic sees it. It finds its own syntax with
token transformers: of all that find something, the one closest to the start of the cell wins, and at the same place the
one with the lower priority. Ours claims the lines of ``%llm`` just before ``help?`` would, and writes exactly the call
that IPython writes for a line without a question mark. So strings, comments, indentation and continuation lines are
IPython's own business, as documented under "Custom input transformation"; a line-based transformer would have to guess
them again. ``%llm?``, ``%llm??`` and ``?llm`` still ask for help.

Cells that begin with ``%%`` never get here: IPython has already made one call of them.
"""

from __future__ import annotations

import tokenize
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["PromptLines", "install", "remove"]

TokenLine = Sequence[tokenize.TokenInfo]

_LAYOUT = {tokenize.INDENT, tokenize.DEDENT}


class PromptLines:
    """What IPython calls a token transformer: it finds the next ``%llm`` line of a cell.

    Parameters
    ----------
    owned : callable
        Tells whether the line magic of a name is ours now; a foreign ``%llm`` is left alone.
    """

    def __init__(self, owned: Callable[[str], bool]) -> None:
        self._owned = owned

    def find(self, tokens_by_line: Sequence[TokenLine]) -> _PromptLine | None:
        """Find the first line that is ours, as ``%llm …`` or ``x = %llm …``."""
        for line in tokens_by_line:
            first = next((index for index, token in enumerate(line) if token.type not in _LAYOUT), None)
            if first is None:
                continue
            at = _percent(line, first)
            if at is not None and self._ours(_name(line, at)):
                return _PromptLine(line[first].start, line[at + 1])
        return None

    def _ours(self, name: str) -> bool:
        try:
            return bool(name) and self._owned(name)
        except Exception:
            # Whether a cell runs must not depend on what the predicate meets.
            return False


class _PromptLine:
    """One line found. IPython sorts findings by these attributes and calls `transform` on the first.

    ``start_line`` and ``start_col`` are where the statement begins, so that ``x = %llm y?`` stands where IPython's help
    request would; -1 before its ``priority`` of 5 and 10.
    """

    priority = -1

    def __init__(self, statement: tuple[int, int], name: tokenize.TokenInfo) -> None:
        self.start_line, self.start_col = statement[0] - 1, statement[1]
        self._name = name.string
        self._line, self._column = name.start[0] - 1, name.start[1] - 1

    def transform(self, lines: list[str]) -> list[str]:
        """Write the call, as IPython would have."""
        from IPython.core.inputtransformer2 import assemble_continued_line, find_end_of_continued_line

        last = find_end_of_continued_line(lines, self._line)
        text = assemble_continued_line(lines, (self._line, self._column), last)
        argument = text[len(self._name) + 2 :]  # without the % and the one blank after the name
        call = f"{lines[self._line][: self._column]}get_ipython().run_line_magic({self._name!r}, {argument!r})\n"
        return [*lines[: self._line], call, *lines[last + 1 :]]


def _percent(line: TokenLine, first: int) -> int | None:
    """Find the ``%`` of a magic that is the whole statement, or the right side of an assignment."""
    if line[first].string == "%":
        return first
    depth = 0
    for index in range(first, len(line) - 1):
        text = line[index].string
        if text == "=" and depth == 0:
            # Only the first one counts, as in IPython: a = b = %llm is no magic there either.
            return index + 1 if line[index + 1].string == "%" else None
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text, 0)
    return None


def _name(line: TokenLine, percent: int) -> str:
    """Return the magic's name: right after the ``%``, and followed by a space or the line's end; empty if not so."""
    if len(line) <= percent + 1:
        return ""
    name = line[percent + 1]
    if name.type != tokenize.NAME or name.start != line[percent].end:
        return ""
    after = line[percent + 2] if len(line) > percent + 2 else None
    # A token that starts right at the name's end is "?", "-" or the like, unless it is blank: a line's end, or the mark
    # that a tokenizer leaves where it gives up.
    return "" if after is not None and after.start == name.end and after.string.strip() else name.string


def install(shell: InteractiveShell, owned: Callable[[str], bool]) -> None:
    """Let a shell take the lines of ``%llm`` as prompts; a second call replaces the first.

    Parameters
    ----------
    shell : InteractiveShell
    owned : callable
        From a magic's name to whether its line magic is ours at this moment.
    """
    remove(shell)
    transformers: list[Any] = shell.input_transformer_manager.token_transformers
    transformers.append(PromptLines(owned))


def remove(shell: InteractiveShell) -> None:
    """Undo `install`."""
    transformers: list[Any] = shell.input_transformer_manager.token_transformers
    transformers[:] = [transformer for transformer in transformers if not isinstance(transformer, PromptLines)]
