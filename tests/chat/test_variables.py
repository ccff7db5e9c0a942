"""The list of variables: by types alone, without running the person's code."""

from __future__ import annotations

import functools
import threading
from typing import Any, NamedTuple

import pytest

from jupyter_localllm.chat.variables import described, listed, resolve
from jupyter_localllm.errors import UsageError


class Trap:
    """Whoever looks at it too closely falls in."""

    def __len__(self) -> int:
        raise AssertionError("len was taken")

    def __repr__(self) -> str:
        raise AssertionError("it was printed")

    @property
    def shape(self) -> Any:
        raise AssertionError("its shape was read")


def shapes(**variables: Any) -> dict[str, tuple[str, str, int | None]]:
    return {one["name"]: (one["type"], one["shape"], one["tokens"]) for one in listed(variables, "", 100)}


def test_names_that_begin_so_come_first() -> None:
    """Then those that contain it; capitals do not matter, hidden and private ones are left out."""
    names = ("beta", "alphabet", "Bet", "_bet", "In", "gamma")
    found = listed(dict.fromkeys(names, 1), "bet", 10, hidden=frozenset({"In"}))
    assert [one["name"] for one in found] == ["Bet", "beta", "alphabet"]
    assert [one["name"] for one in listed(dict.fromkeys(names, 1), "_b", 10)] == ["_bet"]
    assert len(listed(dict.fromkeys(names, 1), "", 2)) == 2


def test_shapes_and_tokens() -> None:
    """Of plain values and tables; the estimate is no more than what sources may bring."""
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    found = shapes(
        text="x" * 300, number=5, rows=[1, 2, 3], pairs={"a": 1}, frame=pd.DataFrame({"a": range(10), "b": range(10)}),
        large=pd.DataFrame({"a": range(100_000)}), array=np.zeros((2, 3)), nested=[[1]], empty=[],
    )  # fmt: skip
    assert found["text"] == ("str", "300 characters", 112)
    assert found["frame"][:2] == ("DataFrame", "10 \u00d7 2")
    assert found["array"][:2] == ("ndarray", "2 \u00d7 3")
    assert found["large"][2] == 1_500
    assert found["rows"][:2] == ("list", "3 items")
    assert found["nested"][2] is None
    assert found["empty"][1] == "0 items"
    assert all(tokens is None or tokens > 0 for _, _, tokens in found.values())


def test_nothing_of_the_persons_is_run() -> None:
    """No length, no property, no repr of a foreign class, and none of a subclass."""

    class Sub(list[int]):
        def __len__(self) -> int:
            raise AssertionError

    found = shapes(trap=Trap(), cls=Trap, sub=Sub(), module=threading)
    assert found == {"trap": ("Trap", "", None), "cls": ("type", "", None), "sub": ("Sub", "", None)}


def test_the_cell_that_bound_a_name_is_told() -> None:
    """The latest one, by its text; inner names of functions are no variables."""
    cells = ["", "import pandas as pd\ndf = pd.DataFrame()", "def f():\n    df = 1", "for i in x:\n    y, z = i", "df["]
    found = listed({"In": cells, "df": 1, "pd": 2, "f": 3, "y": 4, "q": 5}, "", 10, hidden=frozenset({"In"}))
    assert {one["name"]: one["defined_in"] for one in found} == {
        "df": "In[1]", "pd": "In[1]", "f": "In[2]", "y": "In[3]", "q": None,
    }  # fmt: skip


def test_a_path_of_names() -> None:
    """Attributes are followed; what is not there is an error with a near name."""
    values = {"trap": Trap(), "number": 3}
    assert resolve("number.real", values) == 3
    with pytest.raises(UsageError, match="no variable") as caught:
        resolve("numbr", values)
    assert "number" in caught.value.hint
    with pytest.raises(UsageError, match=r"trap has no gone$"):
        resolve("trap.gone", values)


class Meta(type):
    @property
    def of_meta(cls) -> Any:
        raise AssertionError("a property of the metaclass was read")


class Held(metaclass=Meta):
    """What can be had of it without running it, and what cannot."""

    __slots__ = ("__dict__", "slot")
    constant = 7

    def __init__(self) -> None:
        self.slot, self.plain = 1, 2

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("it was asked for what it has not")

    @property
    def computed(self) -> Any:
        raise AssertionError("a property was read")

    @functools.cached_property
    def later(self) -> Any:
        raise AssertionError("a property was read")

    def method(self) -> int:
        return 5


class Pair(NamedTuple):
    a: int
    b: int


class Every:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError("it was asked for an attribute")


def test_a_path_runs_no_code() -> None:
    """What is held is had; a property, `__getattr__` and `__getattribute__` are refused, and not called."""
    pd = pytest.importorskip("pandas")
    every = Every()
    values = {"held": Held(), "cls": Held, "every": every, "pair": Pair(1, 2), "mod": threading}
    values["df"] = pd.DataFrame({"price": [1]})
    got = {
        path: resolve(path, values) for path in ("held.slot", "held.plain", "held.constant", "pair.b", "cls.constant")
    }
    assert list(got.values()) == [1, 2, 7, 2, 7]
    assert resolve("held.method", values)() == 5
    assert resolve("mod.Thread", values) is threading.Thread
    assert list(resolve("df.price", values)) == [1]
    for path in (
        "held.computed",
        "held.later",
        "held.gone",
        "every.x",
        "every.__class__",
        "cls.of_meta",
        "cls.computed",
    ):
        with pytest.raises(UsageError, match="has no"):
            resolve(path, values)


def test_one_bad_object_does_not_spoil_the_list() -> None:
    """Nor does what it says of its class, its name or its module, nor an `In` of the person's own."""

    class Loud(type):
        @property
        def __name__(cls) -> Any:  # type: ignore[override]
            raise AssertionError("its type was asked for its name")

        def __getattribute__(cls, name: str) -> Any:
            raise AssertionError("its type was asked")

    def interrupt(_self: object) -> Any:
        raise KeyboardInterrupt

    Liar = Loud("Liar", (), {"__class__": property(interrupt)})

    class Table:
        __module__ = "numpy.core"

        @property
        def shape(self) -> Any:
            raise KeyboardInterrupt

        columns = shape

    odd = type("Odd", (), {"__module__": Trap()})
    found = shapes(a=1, liar=Liar(), table=Table(), odd=odd(), z=2)
    assert list(found) == ["a", "liar", "odd", "table", "z"]
    assert found["table"] == ("Table", "", None)
    assert described("table", {"table": Table()}) == "table is a Table"
    assert described("liar", {"liar": Liar()}) == "liar is a Liar"
    for cells in (["", Trap()], Trap(), type("Mine", (list,), {"__getitem__": None})()):
        assert listed({"In": cells, "x": 1}, "x", 5)[0]["defined_in"] is None


def test_no_value_of_a_secret() -> None:
    """A name under which people keep secrets is told without its value."""
    values = {"api_key": "sk-1234", "password": "hunter2", "pin_token": 42, "n_tokens": 42}
    said = [described(name, values) for name in values]
    assert not any(value in text for value in ("sk-1234", "hunter2") for text in said)
    assert said[2:] == ["pin_token is an int", "n_tokens is an int: 42"]


def test_lazy_tables_and_long_numbers_are_described() -> None:
    """Nothing is read for them, and nothing is raised."""
    assert described("n", {"n": 10**5_000}) == "n is an int"
    pl = pytest.importorskip("polars")
    lazy = pl.LazyFrame({"a": [1]}).select(pl.col("gone"))
    assert described("lazy", {"lazy": lazy}) == "lazy is a LazyFrame"
    assert shapes(lazy=lazy) == {"lazy": ("LazyFrame", "", None)}


def test_descriptions_for_prompts() -> None:
    """Type, shape and columns; a scalar's value; nothing of a foreign class."""
    pd = pytest.importorskip("pandas")
    values = {"df": pd.DataFrame({"a": [1], "b": [2]}), "x": 0, "trap": Trap()}
    assert described("df", values) == "df is a DataFrame of 1 \u00d7 2 with columns a, b"
    assert described("x", values) == "x is an int: 0"
    assert described("trap", values) == "trap is a Trap"
