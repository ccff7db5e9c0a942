"""Functions as tools: what a model is told of them, and which cannot be told."""

from __future__ import annotations

import datetime
import functools
import inspect
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest

from jupyter_localllm import tool
from jupyter_localllm.errors import SchemaMismatch, UsageError
from jupyter_localllm.tools import Tool, as_tools
from jupyter_localllm.tools.docstring import described
from jupyter_localllm.tools.mark import Mark, mark_of
from jupyter_localllm.tools.tool import as_tool
from tests.tools import shop


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Place:
    street: str
    number: int


def test_a_function_tells_what_it_is() -> None:
    """Name, description and parameters come from the function, its hints and its docstring; defaults are optional."""
    spec = as_tool(shop.price).spec
    assert spec == {
        "type": "function",
        "function": {
            "name": "price",
            "description": "The price of an item, in euros.",
            "parameters": {
                "type": "object",
                "properties": {"item": {"type": "string", "description": "What to buy."}, "count": {"type": "integer"}},
                "required": ["item"],
                "additionalProperties": False,
            },
        },
    }


def test_arguments_come_as_the_function_takes_them() -> None:
    """JSON becomes dates, enums, dataclasses; what was left out is left to the function's own default."""

    def ship(to: Place, on: datetime.date, size: Size = Size.LARGE, *, note: str | None = "none") -> None:
        """Send."""

    read = as_tool(ship).read
    text = '{"to": {"street": "Elm", "number": 3}, "on": "2026-05-01", "size": "s"}'
    assert read(text) == ((), {"to": Place("Elm", 3), "on": datetime.date(2026, 5, 1), "size": Size.SMALL})
    with pytest.raises(SchemaMismatch) as caught:
        read('{"to": {"street": "Elm"}, "on": "soon"}')
    assert "number" in str(caught.value)


def test_what_stands_by_place_is_given_by_place() -> None:
    """Parameters before a slash have no names for callers."""

    def power(base: int, exponent: int = 2, /, *, plus: int = 0) -> int:
        return base**exponent + plus

    positional, named = as_tool(power).read('{"base": 3, "plus": 1}')
    assert power(*positional, **named) == 10


def test_methods_are_tools_without_self() -> None:
    """A bound method is called on its object; its mark is that of the function."""

    class Shop:
        stock = 3

        @tool(safe=True)
        def left(self, item: str) -> int:
            """How many are left."""
            return self.stock

    made = as_tool(Shop().left)
    assert (list(made.schema["properties"]), made.safe, made.function(item="x")) == (["item"], True, 3)


def test_marks_are_the_functions_own() -> None:
    """Nothing is pure or safe that did not say so; a marked function is the function that it was."""
    assert (as_tool(shop.price).pure, as_tool(shop.price).safe) == (False, False)
    assert mark_of(shop.double) == Mark(pure=True, safe=True)
    assert shop.double(4) == 8
    assert mark_of(tool(lambda: 1)) == Mark()
    with pytest.raises(UsageError, match="cannot be marked"):
        tool(len)
    with pytest.raises(UsageError, match="a tool is a function"):
        tool(3)  # type: ignore[call-overload]


def anything(x: Any) -> None:
    """Takes anything."""


async def slow(x: int) -> None:
    """Takes a while."""


def unhinted(x, y: int = 1):  # type: ignore[no-untyped-def]
    """Says nothing of x."""


def many(*items: str) -> None:
    """Takes several."""


def odd(x: complex) -> None:
    """Takes what JSON has not."""


def unknown(x: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Names what is not there."""


class Late:
    """A function whose hints are looked up when its signature is asked for, as all are since Python 3.14."""

    __name__ = "late"

    @property
    def __signature__(self) -> inspect.Signature:
        raise NameError("name 'Nowhere' is not defined")

    def __call__(self, x: int) -> None: ...


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (unhinted, "x of unhinted has no type hint"),
        (many, "many takes \\*items"),
        (slow, "slow is async"),
        (lambda x: x, "a lambda has no name"),
        (functools.partial(shop.price, "tea"), "no name for a tool"),
        (int, "the class int"),
        ("price", "list of functions, not str"),
        (odd, "complex"),
        (unknown, "type hints of unknown cannot be resolved"),
        (Late(), "type hints of late cannot be resolved"),
    ],
)
def test_what_cannot_be_told_is_refused(given: Any, message: str) -> None:
    """Before anything is asked, with what to do."""
    with pytest.raises(UsageError, match=message) as caught:
        as_tools(given if isinstance(given, str) else [given])
    assert caught.value.hint


def test_lists_of_tools() -> None:
    """A list is wanted, not empty, each name once; a tool that is made already stays."""
    made = as_tool(shop.price)
    assert as_tools([made, shop.double])[0] is made
    for given, message in (([], "empty"), (shop.price, "list"), ([shop.price, made], "two tools are called price")):
        with pytest.raises(UsageError, match=message):
            as_tools(given)


def test_an_edited_function_is_another_one() -> None:
    """What is kept of a pure function is kept for its source."""

    def first() -> Tool:
        @tool(pure=True)
        def area(side: int) -> int:
            return side * side

        return as_tool(area)

    def second() -> Tool:
        @tool(pure=True)
        def area(side: int) -> int:
            return side * side * 2

        return as_tool(area)

    assert first().identity == first().identity
    assert first().identity != second().identity


class Changing(dict[str, int]):
    """As a dictionary that another thread writes to."""

    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


TABLE = Changing(tea=12)


def test_what_a_function_holds_is_read_of_pure_ones_only() -> None:
    """It may be large, or change meanwhile: what cannot be read is like nothing that was kept."""

    def price(item: str) -> int:
        return TABLE[item]

    assert as_tool(price).identity == ""
    pure = tool(pure=True)(price)
    assert as_tool(pure).identity != as_tool(pure).identity


def test_gaps_before_a_positional_argument_are_the_defaults() -> None:
    """The function gets what the person has seen, not the same value in another place."""

    def transfer(amount: float = 0, fee: float = 1, currency: str = "EUR", /, note: str = "") -> None:
        """Transfer."""

    read = as_tool(transfer).read
    assert read('{"fee": 2.5, "note": "x"}') == ((0, 2.5), {"note": "x"})
    assert read("{}") == ((), {})
    assert read('{"currency": "JPY"}') == ((0, 1, "JPY"), {})


def test_descriptions_of_parameters_may_stand_in_hints() -> None:
    """`Annotated` with a literal type inside works as it does for answers."""

    def pick(colour: Annotated[Literal["red", "blue"], "The colour."]) -> None:
        """Pick."""

    assert as_tool(pick).schema["properties"]["colour"]["enum"] == ["red", "blue"]


@pytest.mark.parametrize(
    ("docstring", "text", "parameters"),
    [
        (None, "", {}),
        ("One line.", "One line.", {}),
        ("One.\n\n    Two.\n\n    Returns\n    -------\n    int\n", "One.\n\nTwo.", {}),
        (
            "One.\n\nParameters\n----------\na, b : int\n    Both.\nc\n    Over\n    two lines.\nd : str\n\n"
            "Returns\n-------\nint\n    x\n",
            "One.",
            {"a": "Both.", "b": "Both.", "c": "Over two lines."},
        ),
        (
            "One.\n\nArgs:\n    a (int): First.\n    b: Over\n        two lines.\n\nReturns:\n    It.\n",
            "One.",
            {"a": "First.", "b": "Over two lines."},
        ),
        ("One.\n\n:param int a: First.\n:param b: Second.\n:returns: It.\n", "One.", {"a": "First.", "b": "Second."}),
    ],
)
def test_docstrings_of_three_styles(docstring: str | None, text: str, parameters: dict[str, str]) -> None:
    """NumPy's, Google's and Sphinx' descriptions are found; sections are no part of the description."""
    told = described(docstring)
    assert (told.text, told.parameters) == (text, parameters)
