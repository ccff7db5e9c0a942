"""Functions and classes by their source."""

from __future__ import annotations

import inspect
import linecache
from typing import Any

import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.passages_code import HeldCode
from jupyter_localllm.sources.snapshot import take_snapshot
from jupyter_localllm.types import Locator

CODE = '''%%time
import os

# above
@decorated
def first(a, b):
    """Add."""

    def inner():
        return a
    return a + b

x = 1
class House(Base):
    """A house."""
    rooms = 3

    # counts
    @property
    def size(self):
        return 2

    async def open(self): ...

!ls
y = 2
'''


def _held(text: str) -> HeldCode:
    return HeldCode("it", "", (), text)


def area(width: float, height: float) -> float:
    """Width times height."""
    return width * height


def test_a_function_is_its_source() -> None:
    """Lines are counted from the function's own first line."""
    (passage,) = take_snapshot(area, "area").passages()
    assert passage.kind == "code"
    assert passage.locator == Locator(lines=(1, 3), label="lines 1 to 3")
    assert passage.text.startswith("area:\ndef area(width: float")
    assert passage.text.endswith("return width * height")


def test_blocks_are_definitions_with_what_stands_above_them() -> None:
    """Decorators and comments belong to the definition; methods are told with their class; magics do no harm."""
    found = [(p.locator.lines, p.text.split("\n")[0]) for p in _held(CODE).passages()]
    assert found == [
        ((1, 2), "%%time"),
        ((4, 11), "first:"),
        ((13, 13), "x = 1"),
        ((14, 16), "House:"),
        ((18, 21), "House.size:"),
        ((23, 23), "House.open:"),
        ((25, 26), "!ls"),
    ]


def test_every_line_is_in_one_block_and_found_again() -> None:
    """No line is lost or told twice, and each locator leads back."""
    long = "def f():\n" + "\n".join(f"    value_{n} = compute({n}, 'some words here')" for n in range(300)) + "\n"
    for text in (CODE, long, "x = (\n", "def f(:\n  pass\n\nx = 1", "a" * 3000, "x = '" + "word " * 500 + "'\ny = 1\n"):
        held = _held(text)
        passages = list(held.passages())
        lines = [line for p in passages for line in range(p.locator.lines[0], p.locator.lines[1] + 1)]  # type: ignore[index]
        wanted = [number for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        assert set(wanted) <= set(lines)
        assert all(held.resolve(p.locator) == p for p in passages)


def test_indentation_stays() -> None:
    """A part of a long function is code that can be read."""
    long = "def f():\n" + "\n".join(f"    if x_{n}:\n        do_{n}(1)" for n in range(100))
    second = list(_held(long).passages())[1]
    assert second.text.startswith("f:\n")
    assert "\n    do_" in second.text


def test_a_builtin_has_no_source() -> None:
    """It says so, and what to cite instead."""
    for value in (len, int, "".upper):
        with pytest.raises(SourceError, match="without source in Python") as caught:
            take_snapshot(value, "thing")
        assert "thing.__doc__" in caught.value.hint


@pytest.mark.parametrize("other", ["", "from __future__ import annotations\n"])
@pytest.mark.parametrize("body", ["def a(self):\n        return 1", "x = 1"])
def test_a_class_of_a_cell_is_found(body: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has no source for classes of a notebook, or a line of another file; the cell still has it."""
    if other:
        monkeypatch.setattr(inspect, "getsource", lambda _: other)
    source = f"y = 0\nclass Cell:\n    {body}\n"
    file = "ipykernel_1_123.py" if body == "x = 1" else "<cell>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, file, "exec"), space)
    try:
        texts = [p.text for p in take_snapshot(space["Cell"], "Cell").passages()]
    finally:
        del linecache.cache[file]
    assert texts[0].startswith("Cell:\nclass Cell:")


def test_a_decorated_function_is_the_inner_one() -> None:
    """``functools.wraps`` leads to the function that a person wrote."""
    import functools

    @functools.wraps(area)
    def wrapper(*args: float) -> float:
        return area(*args)

    assert "width * height" in next(take_snapshot(wrapper, "wrapper").passages()).text
