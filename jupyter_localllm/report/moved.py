"""What moved between two runs of a notebook: answers and numbers, cell by cell, and why, where that was recorded.

What differs from run to run (times, whether an answer came from the cache, what was written to standard error) is not
looked at; nor is the code, which is a reason and not a result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from jupyter_localllm.report.collect import KeptAnswer, collect, read_notebook
from jupyter_localllm.report.matched import Pair, pairs
from jupyter_localllm.report.reasons import other_run, reasons
from jupyter_localllm.report.results import Shown, shown
from jupyter_localllm.show.listing import clipped, one_line

__all__ = ["Moved", "compare", "plain", "text"]

_LONGEST = 300
_MOST_NUMBERS = 8
_NUMBER = re.compile(r"[-+]?\d+(?:[.,:]\d+)*%?")
_NOT_IN_TEXT = re.compile(r"\[(?:\d+(?:\s*,\s*\d+)*|\?)\]")  # marks of citations are no numbers

What = Literal["answer", "citations", "provenance", "output", "added", "removed"]


@dataclass(frozen=True)
class Moved:
    """Something that is not as it was.

    Parameters
    ----------
    cell : int
        0-based index of the cell in the new notebook; in the old one for what was removed.
    cell_id : str
    what : {"answer", "citations", "provenance", "output", "added", "removed"}
        ``"citations"``: the words are the same, but not what they rest on; ``"provenance"``: the answer is the same,
        but not what made it.
    name : str or None
        The variable that an answer is bound to.
    before, after : str
        The answer or output; empty where there is none.
    numbers : tuple of (str, str)
        Numbers that are others now, in their order; an empty text stands for none.
    reasons : tuple of str
        Why, as far as it was recorded.
    """

    cell: int
    cell_id: str
    what: What
    name: str | None = None
    before: str = ""
    after: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = field(default=())


Notebook = str | os.PathLike[str] | Mapping[str, Any]


def compare(old: Notebook, new: Notebook) -> tuple[Moved, ...]:
    """What moved between two runs of a notebook.

    Cells are matched by their id, else by their source.

    Parameters
    ----------
    old, new : path, NotebookNode or Mapping

    Returns
    -------
    tuple of Moved
        In the order of the new notebook, what was removed at the end; empty if nothing moved.

    Raises
    ------
    UsageError
        There is no such file, or it is no notebook.
    DependencyMissing
        nbformat is not installed.
    """
    read = read_notebook(old), read_notebook(new)
    kept = [{(one.cell, one.output): one for one in collect(one)} for one in read]
    return tuple(moved for pair in pairs(*read) for moved in _of_pair(pair, *kept))


def text(moved: Iterable[Moved]) -> str:
    """What moved, as lines for people.

    Examples
    --------
    >>> print(text([Moved(4, "total", "answer", None, "It is 7.", "It is 9.", (("7", "9"),), ("{{ df }} changed",))]))
    cell 5: the answer moved
      - It is 7.
      + It is 9.
      7 → 9
      because {{ df }} changed
    <BLANKLINE>
    1 answer moved.
    >>> print(text([]))
    Nothing moved.
    """
    listed = list(moved)
    if not listed:
        return "Nothing moved."
    return "\n\n".join(["\n".join(_lines(one)) for one in listed] + [_counted(listed)])


def plain(moved: Iterable[Moved]) -> list[dict[str, Any]]:
    """The same as JSON has it."""
    return [
        {**asdict(one), "numbers": [list(pair) for pair in one.numbers], "reasons": list(one.reasons)} for one in moved
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Cell by cell


_Kept = Mapping[tuple[int, int], KeptAnswer]


def _of_pair(pair: Pair, old: _Kept, new: _Kept) -> Iterator[Moved]:
    before, after = shown(pair.old, pair.old_at, old), shown(pair.new, pair.new_at, new)
    for one, other in _beside(before, after):
        yield from _compared(pair, one, other)


def _beside(before: list[Shown], after: list[Shown]) -> Iterator[tuple[Shown | None, Shown | None]]:
    """What stands in the same place: the n-th answer beside the n-th, the n-th other output beside the n-th."""
    for answers in (True, False):
        some = [[one for one in side if (one.answer is not None) == answers] for side in (before, after)]
        for at in range(max(map(len, some))):
            first, second = (side[at] if at < len(side) else None for side in some)
            yield first, second


def _compared(pair: Pair, before: Shown | None, after: Shown | None) -> Iterator[Moved]:
    at = pair.new_at if pair.new is not None else pair.old_at
    cell = pair.new if pair.new is not None else pair.old
    known = (at, str((cell or {}).get("id") or ""))
    if before is None or after is None:
        one = before or after
        if one is not None:
            name = one.answer.name if one.answer else None
            gone = after is None
            yield Moved(
                *known, "removed" if gone else "added", name, one.text if gone else "", "" if gone else one.text
            )
        return
    code = ("the cell's code changed",) if pair.changed else ()
    if before.answer is None or after.answer is None:
        if before.content != after.content:
            yield Moved(*known, "output", None, before.text, after.text, numbers(before.text, after.text), code)
        return
    why = reasons(before.answer.record, after.answer.record)
    name = after.answer.name or before.answer.name
    if before.content == after.content:
        if why:
            yield Moved(*known, "provenance", name, before.text, after.text, (), why)
        return
    same = before.text == after.text
    what: What = "citations" if same else "answer"
    why = why or other_run(before.answer.record, after.answer.record)
    if same:
        yield Moved(*known, what, name, before.told, after.told, (), (*why, *code))
    else:
        moved = numbers(before.text, after.text)
        yield Moved(*known, what, name, before.text, after.text, moved, (*why, *code))


def numbers(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """The numbers of two texts that are not the same.

    Examples
    --------
    >>> numbers("7 of 12 [1]", "9 of 12 [2]")
    (('7', '9'),)
    """
    from difflib import SequenceMatcher

    old, new = (_NUMBER.findall(_NOT_IN_TEXT.sub("", words)) for words in (before, after))
    if len(old) == len(new):
        return tuple((one, other) for one, other in zip(old, new, strict=True) if one != other)
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            size = max(b - a, d - c)
            left, right = old[a:b] + [""] * (size - (b - a)), new[c:d] + [""] * (size - (d - c))
            found += zip(left, right, strict=True)
    return tuple(found)


# ---------------------------------------------------------------------------------------------------------------------
# In words

_HEADS = {
    "answer": "the answer moved",
    "citations": "the answer says the same, and rests on something else",
    "provenance": "the answer is the same, and was made otherwise",
    "output": "an output moved",
    "added": "is new",
    "removed": "is gone",
}
_COUNTED = {
    "answer": ("answer moved", "answers moved"),
    "citations": ("answer rests on something else", "answers rest on something else"),
    "provenance": ("answer was made otherwise", "answers were made otherwise"),
    "output": ("other output moved", "other outputs moved"),
    "added": ("result is new", "results are new"),
    "removed": ("result is gone", "results are gone"),
}


def _lines(moved: Moved) -> Iterator[str]:
    name = f" ({one_line(moved.name)})" if moved.name else ""
    yield f"cell {moved.cell + 1}{name}: {_HEADS[moved.what]}"
    if moved.what != "provenance":
        for sign, words in (("-", moved.before), ("+", moved.after)):
            if words:
                yield f"  {sign} {clipped(one_line(words), _LONGEST)}"
    if moved.numbers:
        told = [f"{one or 'none'} → {other or 'none'}" for one, other in moved.numbers[:_MOST_NUMBERS]]
        more = len(moved.numbers) - _MOST_NUMBERS
        yield "  " + ", ".join(told) + (f" and {more:,} more" if more > 0 else "")
    for reason in moved.reasons:
        yield f"  because {reason}"


def _counted(moved: list[Moved]) -> str:
    told = []
    for what, words in _COUNTED.items():
        if count := sum(one.what == what for one in moved):
            told.append(f"{count:,} {words[count != 1]}")
    return ", ".join(told) + "."
