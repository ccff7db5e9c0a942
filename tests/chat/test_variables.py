"""The list of variables: by types alone, without running the person's code."""

from __future__ import annotations

import threading
from typing import Any

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
    for path in ("trap.gone", "trap.shape"):
        with pytest.raises(UsageError, match="trap has no"):
            resolve(path, values)


def test_descriptions_for_prompts() -> None:
    """Type, shape and columns; a scalar's value; nothing of a foreign class."""
    pd = pytest.importorskip("pandas")
    values = {"df": pd.DataFrame({"a": [1], "b": [2]}), "x": 0, "trap": Trap()}
    assert described("df", values) == "df is a DataFrame of 1 \u00d7 2 with columns a, b"
    assert described("x", values) == "x is an int: 0"
    assert described("trap", values) == "trap is a Trap"
