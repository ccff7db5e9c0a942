"""Answers under a schema become columns of its types."""

from __future__ import annotations

import datetime
import enum
import json
import typing
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType

import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import RowError
from jupyter_localllm.batch.kind import Kind, plain
from jupyter_localllm.batch.shape import Shape
from jupyter_localllm.constrain.typed import typed
from jupyter_localllm.errors import AnswerCut, SchemaMismatch, UsageError
from jupyter_localllm.types import Job


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Pet(pydantic.BaseModel):
    name: str
    legs: int
    weight: float | None = None
    tame: bool
    kind: Literal["dog", "cat"]
    size: Size
    born: datetime.date
    seen: datetime.datetime
    toys: list[str] = []


PET = Pet(
    name="Rex", legs=4, weight=7.5, tame=True, kind="cat", size=Size.LARGE, born=datetime.date(2020, 2, 29),
    seen=datetime.datetime(2024, 1, 2, 3, 4), toys=["ball"],
)  # fmt: skip


def answer(job: Job) -> str:
    """The pet for a, and nothing that is one for b."""
    asked = [message.content for message in job.prompt.messages]
    return PET.model_dump_json() if "a" in asked else "no JSON"


@pytest.fixture
def pets(make: Callable[..., LocalLLM]) -> LocalLLM:
    return make(answer)


def test_pandas(pets: LocalLLM) -> None:
    """A frame with the index of the data: nullable types, a category for Literal and Enum, objects for the rest."""
    made = pets.map("{{ value }}", pd.Series(["a", "b"], index=["x", "y"]), schema=Pet, on_error="record")
    assert isinstance(made, pd.DataFrame)
    assert made.index.tolist() == ["x", "y"]
    assert {name: str(dtype) for name, dtype in made.dtypes.items()} == {
        "name": "object", "legs": "Int64", "weight": "float64", "tame": "boolean", "kind": "category",
        "size": "category", "born": "object", "seen": "datetime64[us]", "toys": "object",
    }  # fmt: skip
    assert made["kind"].cat.categories.tolist() == ["dog", "cat"]
    assert made["size"].tolist()[0] == "large"
    assert made.loc["x", "legs"] == 4
    assert made.loc["x", "toys"] == ["ball"]
    assert made.loc["y"].isna().all()
    (error,) = made.attrs["errors"]
    assert (error["row"], error["error"]) == (1, "SchemaMismatch")


def test_polars_and_pyarrow(pets: LocalLLM) -> None:
    """Frames and tables of their own types."""
    frame = pets.map("{{ value }}", pl.Series(["a"]), schema=Pet)
    assert frame.schema["kind"] == pl.Enum(["dog", "cat"])
    assert (frame.schema["legs"], frame.schema["born"], frame.schema["toys"]) == (pl.Int64, pl.Date, pl.List(pl.String))
    assert frame["seen"][0] == PET.seen
    table = pets.map("{{ value }}", pa.table({"value": ["a"]}), schema=Pet)
    assert table.schema.field("kind").type == pa.dictionary(pa.int32(), pa.string())
    assert table.to_pylist()[0] == {**plain(PET)}


def test_lists(pets: LocalLLM) -> None:
    """A list gets the objects themselves."""
    assert pets.map("{{ value }}", ["a"], schema=Pet) == [PET]


@pytest.mark.parametrize(
    ("schema", "said", "values", "dtype"),
    [
        (Literal["low", "high"], "high", ["high"], "category"),
        (Size, "small", ["small"], "category"),
        (["x", "y"], "y", ["y"], "category"),
        (int, "7", [7], "Int64"),
        ({"type": "number"}, "0.5", [0.5], "float64"),
        (bool, "true", [True], "boolean"),
        (list[int], "[1, 2]", [[1, 2]], "object"),
        (int | None, "null", [None], "Int64"),
        (int, str(10**30), [10**30], "object"),
    ],
)
def test_one_value(make: Callable[..., LocalLLM], schema: Any, said: str, values: list[Any], dtype: str) -> None:
    """A schema without fields makes one column of its type."""
    made = make(said).map("{{ value }}", pd.Series(["a"]), schema=schema)
    assert made.name == "answer"
    assert str(made.dtype) == dtype
    assert [None if value is pd.NA else value for value in made] == values


def test_moments_of_which_some_have_a_zone(make: Callable[..., LocalLLM]) -> None:
    """Nobody said where the others are: none becomes UTC, whatever makes the column."""
    llm = make(lambda job: f'"{job.prompt.messages[-1].content}"')
    said = ["2024-01-02T03:04:00", "2024-01-02T03:04:00+02:00"]
    plain, zoned = (datetime.datetime.fromisoformat(text) for text in said)
    for made in (pd.Series(said), pl.Series(said)):
        assert list(llm.map("{{ value }}", made, schema=datetime.datetime)) == [plain, zoned]
    table = llm.map("{{ value }}", pa.array(said), schema=datetime.datetime)
    assert table.to_pylist() == [str(plain), str(zoned)]
    assert llm.map("{{ value }}", pl.Series(said[1:]), schema=datetime.datetime).to_list() == [zoned]
    assert llm.map("{{ value }}", pa.array(said[:1]), schema=datetime.datetime).to_pylist() == [plain]


def test_no_rows(make: Callable[..., LocalLLM]) -> None:
    """Of no rows, the columns and their types are there all the same."""
    made = make("").map("{{ value }}", pd.Series([], dtype=object), schema=Pet)
    assert (len(made), str(made.dtypes["kind"])) == (0, "category")


def test_what_is_no_value_fails(make: Callable[..., LocalLLM]) -> None:
    """An answer that is cut off, or that the schema does not allow, is that row's error and never a value."""
    with pytest.raises(AnswerCut, match=r"row 0: the answer is no whole JSON schema") as cut:
        make('{"a": 1, "b": 2}').map("{{ value }}", ["a"], schema={"type": "object"}, max_tokens=2)
    assert cut.value.text == '{"a": 1,'
    with pytest.raises(SchemaMismatch, match=r"row 0: the answer is no int") as wrong:
        make("seven").map("{{ value }}", ["a"], schema=int)
    assert wrong.value.problems
    failed: list[RowError] = []
    assert make("seven").map("{{ value }}", ["a"], schema=int, on_error=failed.append) == [None]
    assert failed[0].position == 0


def test_a_schema_that_cannot_be_held_is_refused_first(make: Callable[..., LocalLLM]) -> None:
    """Before any row is asked."""
    asked: list[Job] = []
    with pytest.raises(UsageError, match="requird"):
        make(lambda job: asked.append(job) or "").map("{{ value }}", ["a"], schema={"type": "object", "requird": ["a"]})
    assert asked == []


def test_a_field_that_is_a_column_already(pets: LocalLLM) -> None:
    """Beside the data, a new column gets another name than one that is there."""
    from jupyter_localllm.batch import open_data

    @dataclass
    class Named:
        name: str

    frame, names = open_data(pd.DataFrame({"name": ["a"]})).beside([Named("b")], Shape.of(typed(Named)))
    assert names == ("name_2",)
    assert frame.to_dict("records") == [{"name": "a", "name_2": "b"}]


def test_kinds() -> None:
    """Read from the schema alone."""
    assert Kind.of({"type": ["integer", "null"]}).name == "whole"
    assert Kind.of({"enum": [1, 2]}).name == "whole"
    assert Kind.of({"enum": [1, "a"]}).name == "object"
    assert Kind.of({"anyOf": [{"type": "integer"}, {"type": "null"}]}).name == "whole"
    assert Kind.of({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}) == Kind("category", ("a", "b"))
    assert Kind.of({"anyOf": [{"type": "integer"}, {"type": "string"}]}).name == "object"
    assert Kind.of(NewType("Age", int)).name == "whole"
    assert Kind.of(NewType("Age", int) | None).name == "whole"  # type: ignore[operator]
    if hasattr(typing, "TypeAliasType"):
        assert Kind.of(typing.TypeAliasType("Days", Annotated[list[int] | None, "x"])).name == "list"
        assert Kind.of(typing.TypeAliasType("Day", Annotated[datetime.date | None, "x"])).name == "date"
    assert Kind.of({"$ref": "#/x"}).name == "object"
    assert json.dumps(plain([Size.SMALL, {"a": (1, {2})}])) == '["small", {"a": [1, [2]]}]'


class Node(pydantic.BaseModel):
    name: str
    inner: list[Node] = []


@dataclass
class Item:
    price: float
    note: str | None = None


@pytest.mark.parametrize(
    ("schema", "answers"),
    [
        (dict[str, float], ['{"protein": 1.0}', '{"fat": 2.0}']),
        (list[int | float], ["[3]", "[3.7]"]),
        (list[int | str], ["[3]", '["a"]']),
        (int | str, ["3", '"a"']),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            ['[{"a": 1}]', '[{"b": 2}]'],
        ),
        (list[Node], ['[{"name": "a", "inner": [{"name": "b", "inner": []}]}]', "[]"]),
        ({"type": "number"}, ["0.5", str(10**20 + 1)]),
        (list[Item], ['[{"price": 1.0, "note": "x"}]', "[]"]),
    ],
)
def test_no_answer_is_altered(make: Callable[..., LocalLLM], schema: Any, answers: list[str]) -> None:
    """What does not go into a column of one type is kept as it is in polars, and is JSON in pyarrow."""
    llm = make(lambda job: answers[int(job.prompt.messages[-1].content)])
    said = [plain(value) for value in llm.map("{{ value }}", [0, 1], schema=schema)]
    for data in (pl.Series([0, 1]), pd.Series([0, 1])):
        made = llm.map("{{ value }}", data, schema=schema).to_list()
        assert [plain(value) for value in made] == said
        assert [type(plain(value)) for value in made] == [type(value) for value in said]
    texts = llm.map("{{ value }}", pa.array([0, 1]), schema=schema).to_pylist()
    assert [json.loads(value) if isinstance(value, str) else value for value in texts] == said


def test_columns_do_not_depend_on_the_answers(make: Callable[..., LocalLLM]) -> None:
    """A field and a value alone have one type, whatever was answered, also where nothing was."""
    said: dict[Any, list[str]] = {
        Decimal: ['"1.5"', '"12.25"'],
        datetime.time: ['"10:00:00"', '"23:59"'],
        datetime.timedelta: ['"P1D"', '"PT90M"'],
        uuid.UUID: [f'"{uuid.UUID(int=number)}"' for number in (1, 2)],
        list[str]: ["[]", '["a"]'],
        Literal[1, 2]: ["1", "2"],
        list[Item]: ["[]", '[{"price": 2.5}]'],
    }
    for kind, answers in said.items():
        one = pydantic.create_model("One", value=(kind | None, None))
        types = []
        for data in (pl.Series("q", ["q"]), pa.array(["q"])):
            found = set()
            for answer in answers:
                made = make(answer, temperature=0.0).map("{{ value }}", data, schema=kind, cache="off")
                found.add(str(made.dtype if isinstance(made, pl.Series) else made.type))
                for text in (f'{{"value": {answer}}}', '{"value": null}'):
                    frame = make(text).map("{{ value }}", data, schema=one, cache="off")
                    column = frame["value"]
                    found.add(str(column.dtype if isinstance(column, pl.Series) else column.type))
            types.append(found)
        assert [len(found) for found in types] == [1, 1], (kind, types)
        assert "Object" not in types[0]


def test_decimals_that_are_too_long(make: Callable[..., LocalLLM]) -> None:
    """They end no map: the column is of objects, in pyarrow of texts, and nothing is rounded."""
    long = "123456789012345678901234567890123456789.5"

    class Price(pydantic.BaseModel):
        price: Decimal

    for fine in (long, "0.00000000001"):
        llm = make(lambda job, fine=fine: f'{{"price": "{fine if "b" in job.prompt.messages[-1].content else 1}"}}')
        made = llm.map("{{ value }}", pl.Series(["a", "b"]), schema=Price, cache="off")
        assert made["price"].to_list() == [Decimal(1), Decimal(fine)]
        table = llm.map("{{ value }}", pa.array(["a", "b"]), schema=Price, cache="off")
        assert [Decimal(text) for text in table["price"].to_pylist()] == [Decimal(1), Decimal(fine)]
    short = make('{"price": "1.5"}').map("{{ value }}", pl.Series(["a"]), schema=Price, cache="off")
    assert short.schema["price"] == pl.Decimal(38, 9)
    assert short["price"].sum() == Decimal("1.5")
