"""Promises of `jupyter_localllm.constrain.typed`: what schema= takes, and what comes back."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import pickle
import re
import typing
import uuid
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypedDict

import numpy as np
import pandas as pd
import pydantic
import pytest

from jupyter_localllm.constrain import Choices, Grammar, JsonSchema, Numbers, Regex
from jupyter_localllm.constrain.typed import levels, typed
from jupyter_localllm.constrain.validate import fits
from jupyter_localllm.errors import SchemaMismatch, UsageError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blau"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Corner(enum.Enum):
    LEFT = (0, 0)
    RIGHT = (1, 0)


@dataclasses.dataclass
class Item:
    """Something on a bill."""

    name: str
    price: Annotated[float, "in euros"]
    colour: Colour | None = None


@dataclasses.dataclass(frozen=True)
class Bill:
    items: list[Item]
    day: datetime.date
    kind: Literal["cash", "card"] = "cash"

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a bill has items")


class Place(TypedDict, total=False):
    city: typing.Required[str] if hasattr(typing, "Required") else str
    inhabitants: int


class Point(NamedTuple):
    x: int
    y: int = 0


class Food(pydantic.BaseModel):
    """Nutrition of 100 g."""

    name: str = pydantic.Field(min_length=1)
    protein: float = pydantic.Field(ge=0, le=100, description="g")
    fat: decimal.Decimal
    tags: list[Colour] = []

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Food:
        if self.protein + float(self.fat) > 100:
            raise ValueError("more than 100 g in 100 g")
        return self


class Tree(pydantic.BaseModel):
    label: str
    children: list[Tree] = []


@dataclasses.dataclass
class Node:
    value: int
    next: Node | None = None


@dataclasses.dataclass
class Endless:
    inner: Endless


@dataclasses.dataclass
class Meal:
    foods: list[Food]
    best: Food | None = None


Sku = NewType("Sku", str)
UTC = datetime.timezone.utc

# what is given, an answer of the model, the value
VALUES: list[tuple[Any, str, Any]] = [
    (int, "12", 12),
    (float, "12", 12.0),
    (bool, "true", True),
    (str, '"a\\nb"', "a\nb"),
    (None, "null", None),
    (int | None, "null", None),
    (typing.Optional[int], "3", 3),  # noqa: UP045 - people write it
    (int | str, '"3"', "3"),
    (bool | int, "1", 1),
    (list[int], "[1, 2]", [1, 2]),
    (list, '[1, "a"]', [1, "a"]),
    (set[str], '["a", "a"]', {"a"}),
    (frozenset[int], "[1]", frozenset({1})),
    (tuple[int, str], '[1, "a"]', (1, "a")),
    (tuple[int, ...], "[1, 2, 3]", (1, 2, 3)),
    (dict[str, float], '{"a": 1}', {"a": 1.0}),
    (dict[Literal["a", "b"], int], '{"b": 1}', {"b": 1}),
    (Sku, '"x1"', "x1"),
    (Any, '{"a": [1]}', {"a": [1]}),
    (datetime.date, '"2024-02-29"', datetime.date(2024, 2, 29)),
    (datetime.datetime, '"2024-05-31T17:45:00Z"', datetime.datetime(2024, 5, 31, 17, 45, tzinfo=UTC)),
    (datetime.datetime, '"2024-05-31T17:45"', datetime.datetime(2024, 5, 31, 17, 45)),
    (datetime.time, '"07:30"', datetime.time(7, 30)),
    (datetime.timedelta, '"P3DT4H"', datetime.timedelta(days=3, hours=4)),
    (datetime.timedelta, '"-T90M"'.replace("T", "PT"), datetime.timedelta(minutes=-90)),
    (decimal.Decimal, '"1.10"', decimal.Decimal("1.10")),
    (uuid.UUID, f'"{uuid.UUID(int=5)}"', uuid.UUID(int=5)),
    (Colour, "blau", Colour.BLUE),
    (Colour, '"blau"', Colour.BLUE),
    (Level, "2", Level.HIGH),
    (Corner, "RIGHT", Corner.RIGHT),
    (Literal["a", "b"], "a", "a"),
    (Literal["a", 1, None, True], "true", True),
    (Literal["a", 1, None, True], "1", 1),
    (Annotated[int, "how many"], "4", 4),
    (Bill, '{"items": [{"name": "x", "price": 2, "colour": "red"}], "day": "2024-01-01"}',
     Bill([Item("x", 2.0, Colour.RED)], datetime.date(2024, 1, 1))),
    (Place, '{"city": "Köln"}', {"city": "Köln"}),
    (Point, '{"x": 1}', Point(1)),
    (Node, '{"value": 1, "next": {"value": 2}}', Node(1, Node(2))),
    (Food, '{"name": "egg", "protein": 12.5, "fat": "9.5", "tags": ["red"]}',
     Food(name="egg", protein=12.5, fat=decimal.Decimal("9.5"), tags=[Colour.RED])),
    (Tree, '{"label": "a", "children": [{"label": "b"}]}', Tree(label="a", children=[Tree(label="b")])),
    (Meal, '{"foods": [{"name": "egg", "protein": 1, "fat": "1"}]}',
     Meal([Food(name="egg", protein=1, fat=decimal.Decimal(1))])),
    (list[Item], '[{"name": "x", "price": 1}]', [Item("x", 1.0)]),
    ({"type": "object", "properties": {"ä": {"enum": ["ö", 1]}}, "required": ["ä"]}, '{"ä": "ö"}', {"ä": "ö"}),
    ('{"type": "integer"}', "3", 3),
    (["yes", "no"], "no", "no"),
    ([1, 2, 3], "2", 2),
    (re.compile("[a-z]+"), "abc", "abc"),
    (Regex("[0-9]{2}"), "12", "12"),
    (Numbers(["1,234"]), "1,234", "1,234"),
    (Choices(["a", "b"]), "b", "b"),
    (Grammar('start: "a" | "b"'), "b", "b"),
    (JsonSchema({"type": "boolean"}), "false", False),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text", "value"), VALUES)
def test_an_answer_becomes_the_value(given: Any, text: str, value: Any) -> None:
    """Whatever was given, an answer that fits becomes a Python object of that type, and the constraint allows it."""
    form = typed(given)
    read = form.value(text)
    assert read == value
    assert type(read) is type(value)
    if not (text.startswith('"') and isinstance(form.constraint, Choices)):  # what JSON servers write
        assert fits(form.constraint, text)


# what is given, a wrong answer, where, and a word of what is said
WRONG: list[tuple[Any, str, str, str]] = [
    (int, "1.5", "#", "not a whole number"),
    (int, "true", "#", "is true"),
    (float, '"1"', "#", "a text"),
    (int, "1, 2", "#", "no JSON"),
    (float, "NaN", "#", "no JSON"),
        (list[float], "[1, -1e999]", "#", "-1e999 is beyond what a float can hold"),
    (dict[str, int], '{"a": 1, "a": 2}', "#", "twice"),
    (list[int], '[1, "a"]', "#/1", "a text"),
    (tuple[int, str], "[1]", "#", "has 1 items, not 2"),
    (dict[str, int], '{"a/b": null}', "#/a~1b", "null"),
    (datetime.date, '"2023-02-29"', "#", "date"),
    (Colour, "green", "#", "'red', 'blau'"),
    (Literal[1, 2], "true", "#", "none of"),
    (Annotated[int, pydantic.Field(ge=0)], "-1", "#", "-1"),
    (Annotated[str, re.compile("[a-c]+")], '"abd"', "#", "abd"),
    (Bill, '{"items": [{"name": "x"}], "day": "x"}', "#/items/0", "'price' is missing"),
    (Bill, '{"items": [], "day": "2024-01-01"}', "#", "a bill has items"),
    (Bill, '{"items": [], "day": "2024-01-01", "tip": 1}', "#", "'tip' is no field of Bill"),
    (Place, '{"inhabitants": 1}', "#", "'city' is missing"),
    (Node | None, '{"value": 1, "next": {"value": "x"}}', "#/next/value", "a text"),
    (Food, '{"name": "egg", "protein": 99, "fat": 9}', "#", "more than 100 g"),
    (Food, '{"name": "", "protein": "9", "fat": 9}', "#/name", "at least 1"),
    (Meal, '{"foods": [{"name": "egg", "protein": 101, "fat": 1}]}', "#/foods/0/protein", "100"),
    ({"properties": {"a": {"minimum": 3}}}, '{"a": 1}', "#/a", "minimum"),
    ({"type": "object", "additionalProperties": False}, '{"a": 1}', "#", "'a'"),
    ({"patternProperties": {"^a": {"type": "null"}}, "additionalProperties": False}, '{"b": 1}', "#", "'b'"),
    (re.compile("[a-z]+"), "abc1", "#", "Regex"),
    (["yes", "no"], "maybe", "#", "'yes', 'no'"),
    (Grammar('start: "a"'), "b", "#", "Grammar"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text", "place", "word"), WRONG)
def test_a_wrong_answer_is_told_with_its_place(given: Any, text: str, place: str, word: str) -> None:
    """An answer that does not fit is an error that names the place and what is wrong there, and keeps the text."""
    with pytest.raises(SchemaMismatch) as caught:
        typed(given).value(text)
    told = [problem for problem in caught.value.problems if problem.startswith(f"{place}: ")]
    assert any(word in problem for problem in told), caught.value.problems
    assert caught.value.text == text


def test_all_problems_are_told_at_once() -> None:
    """One wrong answer tells everything that is wrong with it."""
    with pytest.raises(SchemaMismatch) as caught:
        typed(list[Item]).value('[{"name": 1, "price": "x"}, {"name": "y"}]')
    assert len(caught.value.problems) == 3


def test_a_fence_is_taken_off() -> None:
    """Models that are held to nothing write a fence around JSON; it is no part of the answer."""
    assert typed(list[int]).value("```json\n[1]\n```\n") == [1]


def test_a_pattern_that_explodes_is_matched_in_linear_time() -> None:
    """A wrong answer under a pattern that Python's re would follow for years is refused at once."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    with pytest.raises(SchemaMismatch):
        typed(schema).value(json.dumps({"a": "a" * 60 + "b"}))
    with pytest.raises(SchemaMismatch):
        typed(re.compile("(a+)+")).value("a" * 60 + "b")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (re.compile("(a{1,500}){1,500}b"), "a" * 300),
        (
            {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a{1,500}){1,500}b$"}}},
            '{"x": "' + "a" * 300,
        ),
    ],
)
def test_a_form_that_explodes_says_so(given: Any, text: str) -> None:
    """Where an expression gets too complex in the midst of an answer, the error names that, not the missing rest."""
    with pytest.raises(UsageError, match="too complex"):
        typed(given).value(text)


def test_live_data_are_choices() -> None:
    """Arrays, series and Literals over them are choices; numpy's values come back as Python's."""
    frame = pd.DataFrame({"region": ["EU", "US", "EU"], "code": np.array([1, 2, 1])})
    assert typed(frame["region"].unique()).value("US") == "US"
    assert typed(Literal[tuple(frame["region"].unique())]).value("EU") == "EU"
    assert type(typed(frame["code"].unique()).value("2")) is int
    assert levels(frame["code"]) == (1, 2, 1)
    model = pydantic.create_model("Live", code=(Literal[tuple(frame["code"].unique())], ...))
    assert typed(model).value('{"code": 2}').code == 2
    with pytest.raises(UsageError, match="missing values"):
        typed(pd.Series(["EU", np.nan]))


def test_a_thousand_choices() -> None:
    """An enum of 1,000 values, non-ASCII ones among them, holds and is read."""
    names = [f"Straße {n}" for n in range(1000)]
    form = typed({"enum": [*names, 7]})
    assert form.value('"Straße 999"') == "Straße 999"
    assert fits(form.constraint, '"Straße 999"')
    assert not fits(form.constraint, '"Straße 1000"')


def _aliases(value: Any) -> list[Any]:
    """``type X = …``, where this Python has it."""
    return [typing.TypeAliasType("X", value)] if hasattr(typing, "TypeAliasType") else []


def test_the_columns_of_a_type_with_fields() -> None:
    """A map makes a column of each field; what is one value has none."""
    assert list(typed(Food).columns or ()) == ["name", "protein", "fat", "tags"]
    assert (typed(Bill).columns or {})["kind"] == Literal["cash", "card"]
    assert (typed(Place).columns or {})["inhabitants"] is int
    assert typed({"type": "object", "properties": {"a": {"enum": ["x"]}}}).columns == {"a": {"enum": ["x"]}}
    for one in (NewType("Other", Place), Annotated[Place, "a place"], *_aliases(Place)):  # type: ignore[valid-newtype]
        assert list(typed(one).columns or ()) == ["city", "inhabitants"]
    for one in (int, list[Bill], ["a"], Colour, re.compile("a")):
        assert typed(one).columns is None
    bill = Bill([Item("x", 1.0)], datetime.date(2024, 1, 1))
    assert typed(Bill).row(bill)["kind"] == "cash"
    assert typed(Place).row({"city": "Köln"}) == {"city": "Köln", "inhabitants": None}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Literal["a", "b"], ("a", "b")),
        (Annotated[Literal["a"] | None, "x"], ("a",)),
        (NewType("Grade", Literal["a", "b"]), ("a", "b")),  # type: ignore[valid-newtype]
        (Colour, (Colour.RED, Colour.BLUE)),
        ({"enum": ["x", 1]}, ("x", 1)),
        ({"anyOf": [{"enum": ["x"]}, {"type": "null"}]}, ("x",)),
        (dict[str, None], None),
        (["x"], ("x",)),
        (int | str | None, None),
        (int, None),
        (list[int], None),
    ],
)
def test_levels(annotation: Any, expected: Any) -> None:
    """What can be a category says its levels in their order."""
    assert levels(annotation) == expected


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (Endless, "within itself"),
        (complex, "complex"),
        (bytes, "bytes"),
        (dict[int, str], "JSON has only texts for keys"),
        (Annotated[str, pydantic.Field(ge=1)], "minimum goes with integer or number"),
        (Annotated[int, pydantic.AfterValidator(abs)], "cannot be held"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "#"),
        ({"type": "integer", "divisibleBy": 3}, "Write multipleOf"),
        ({"properties": {"a": {"type": "string", "nullable": True}}}, "#/properties/a"),
        ([], "no choices"),
        ("nonsense", "nonsense"),
        ("[1]", "JSON object"),
        (lambda: 1, "function"),
    ],
)
def test_what_cannot_be_held_is_refused_at_once(given: Any, word: str) -> None:
    """A schema that no answer could fulfil, or that could not be held, is refused before anything is asked."""
    with pytest.raises(UsageError) as caught:
        typed(given)
    assert word in str(caught.value)


def test_names_and_files(tmp_path: Any) -> None:
    """A text is JSON, a file, or an expression over the notebook's variables."""
    path = tmp_path / "food.json"
    path.write_text('{"type": "integer"}', encoding="utf-8")
    assert typed(str(path)).value("1") == 1
    assert typed(path).value("1") == 1
    assert typed("list[Item]", namespace={"Item": Item}).value("[]") == []
    assert typed("Literal['a', 'b']", namespace={}).value("a") == "a"
    assert typed("int | None", namespace={}).value("null") is None
    names = {"rows": [{"kind": "a"}, {"kind": "b"}, {"kind": "c"}], "known": {"a", "b"}}
    assert typed("[row['kind'] for row in rows if row['kind'] in known]", namespace=names).value("b") == "b"
    assert typed("Choices(['a', 'b'])", namespace={}).value("a") == "a"
    assert typed("JsonSchema({'type': 'null'})", namespace={}).value("null") is None
    assert typed("Numbers(['1'])", namespace={}).value("1") == "1"
    with pytest.raises(UsageError, match="NameError"):
        typed("Fod", namespace={"Food": Food})
    (tmp_path / "bad.json").write_text("[", encoding="utf-8")
    with pytest.raises(UsageError, match="JSON"):
        typed(tmp_path / "bad.json")


def test_typed_can_be_pickled_and_is_not_made_twice() -> None:
    """Workers in other processes get it whole; what is typed already stays as it is."""
    form = typed(Bill)
    again = pickle.loads(pickle.dumps(form))
    assert again.constraint == form.constraint
    assert typed(form) is form


def test_descriptions_and_names_are_kept() -> None:
    """What a type says of itself stands in its schema: engines and people read it."""
    schema = typed(Item).schema or {}
    assert schema["description"] == "Something on a bill."
    assert schema["properties"]["price"]["description"] == "in euros"
    assert typed(Item).name == "Item"
    told = typed(Annotated[Item, "the dearest one"]).schema or {}
    assert told["description"] == "the dearest one"
    assert "price" in told["properties"]
    assert typed(list[Item]).name == "list[Item]" or typed(list[Item]).name.endswith("Item]")


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    breed: str = pydantic.Field(alias="the breed")


class Many(pydantic.BaseModel):
    pet: Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]
    tags: set[str]
    where: pathlib.Path
    price: decimal.Decimal
    page: pydantic.HttpUrl
    rest: dict[str, int]


def test_models_of_pydantic_with_all_kinds_of_fields() -> None:
    """Unions told apart by a field, sets, paths, decimals, addresses and aliases are held and read."""
    text = (
        '{"pet": {"kind": "dog", "the breed": "x"}, "tags": ["a", "a"], "where": "/tmp/x", "price": "1.50", '
        '"page": "https://example.org/", "rest": {"a": 1}}'
    )
    form = typed(Many)
    assert fits(form.constraint, text)
    value = form.value(text)
    assert isinstance(value.pet, Dog)
    assert (value.tags, value.price) == ({"a"}, decimal.Decimal("1.50"))
    assert not fits(form.constraint, text.replace("1.50", "much"))
    with pytest.raises(UsageError, match="#/properties/data/format"):
        typed(pydantic.create_model("Raw", data=(bytes, ...))).check()


class _Ge:
    def __init__(self, ge: float) -> None:
        self.ge = ge


class _Lengths:
    def __init__(self, least: int, most: int) -> None:
        self.min_length, self.max_length = least, most


Adult = NewType("Adult", Annotated[int, _Ge(18)])  # type: ignore[valid-newtype]


def test_a_second_bound_never_loosens_the_first() -> None:
    """Of two bounds the tighter one holds, wherever they stand; what cannot be one is refused."""
    assert typed(Annotated[int, _Ge(5), _Ge(0)]).schema == {"type": "integer", "minimum": 5}
    assert typed(Annotated[Adult, _Ge(0)]).schema == {"type": "integer", "minimum": 18}
    assert typed(Annotated[str, _Lengths(1, 5), _Lengths(2, 9)]).schema == {
        "type": "string",
        "minLength": 2,
        "maxLength": 5,
    }
    with pytest.raises(UsageError, match="pattern"):
        typed(Annotated[str, re.compile("a+"), re.compile("b+")])
    with pytest.raises(UsageError, match="multipleOf 2 and 3"):
        typed(Annotated[int, pydantic.Field(multiple_of=2), pydantic.Field(multiple_of=3)])


class Account(pydantic.BaseModel):
    balance: decimal.Decimal
    limit: decimal.Decimal | None = pydantic.Field(None, ge=1)


def test_a_decimal_keeps_all_its_digits() -> None:
    """In a model of pydantic, too: it is held as a text, which no double stands in the way of."""
    form = typed(Account)
    text = '{"balance": "1234567890123456.789", "limit": "12345678901234567890.10"}'
    assert fits(form.constraint, text)
    value = form.value(text)
    assert (str(value.balance), str(value.limit)) == ("1234567890123456.789", "12345678901234567890.10")
    assert not fits(form.constraint, '{"balance": 1.5}')
    with pytest.raises(SchemaMismatch, match="greater than or equal to 1"):
        form.value('{"balance": "1", "limit": "0.5"}')


@pytest.mark.parametrize("fields", [{"name": "string", "age": "integer"}, {"name": str, "age": int}])
def test_a_dict_of_fields_is_no_schema(fields: Any) -> None:
    """It would hold nothing; the schema that was meant is told."""
    with pytest.raises(UsageError, match="no keyword that an answer is held to: 'name', 'age'") as refused:
        typed(fields)
    meant = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    assert json.dumps(meant) in refused.value.hint
    with pytest.raises(UsageError, match="no keyword"):
        typed({"$defs": {"a": {"type": "integer"}}, "title": "a"})
    with pytest.raises(UsageError, match="'typ'"):
        typed({"typ": "integer"})
    assert typed({}).value("[1]") == [1]


@dataclasses.dataclass
class Changeable:
    a: int


@pytest.mark.parametrize("item", [list[int], dict[str, int], Changeable, tuple[int, list[int]], set[int]])
def test_a_set_of_what_has_no_hash(item: Any) -> None:
    """No answer but the empty one could be read."""
    for kind in (set, frozenset):
        with pytest.raises(UsageError, match="A set of "):
            typed(kind[item])
    assert typed(set[tuple[int, str]]).value('[[1, "a"]]') == {(1, "a")}
    assert typed(set[int | list[int]]).value("[1]") == {1}
