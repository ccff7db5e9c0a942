"""JSON schemas."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.constrain import JsonSchema
from jupyter_localllm.constrain.validate import fits
from jupyter_localllm.errors import DependencyMissing, UsageError
from tests.constrain.contract import ConstraintContract, Sample, allowed_by_mask, campaign, walk, written
from tests.constrain.vocabularies import TINY, token_of

pytest.importorskip("llguidance")

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "größe": {"type": "integer", "minimum": 50, "maximum": 250},
        "住所": {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    },
    "required": ["name", "größe"],
    "additionalProperties": False,
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "v": {"enum": ["red", "grün", 3, None, True]},
                "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
            },
            "required": ["v"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS: tuple[dict[str, Any], ...] = (
    PERSON,
    TREE,
    {
        "type": "array",
        "items": {"type": "number", "minimum": -1.5, "exclusiveMaximum": 2},
        "minItems": 1,
        "maxItems": 4,
    },
    {"type": "array", "prefixItems": [{"const": "é"}, {"type": "integer"}], "items": False, "minItems": 2},
    {"type": "string", "pattern": "^[a-cé]{2,3}$"},
    {"type": "string", "format": "date"},
    {
        "anyOf": [
            {"type": "integer", "multipleOf": 7},
            {"type": "null"},
            {"type": "string", "minLength": 2, "maxLength": 4},
        ]
    },
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 1},
    {"oneOf": [{"type": "boolean"}, {"const": "maybe"}]},
    {"enum": [{"a": [1, 2.5]}, "x", -3]},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "number", "minimum": -0.25, "maximum": 1e-3},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a", "b"]},
    {"type": "object", "properties": {"x": {"$ref": "#/$defs/i", "maximum": 7}}, "$defs": {"i": {"type": "integer"}}},
    {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}], "title": "t", "description": "d", "default": 4},
)


def validates(schema: dict[str, Any]) -> Any:
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return lambda text: validator.validate(json.loads(text)) is None


class TestJsonSchema(ConstraintContract):
    samples = tuple(Sample(lambda schema=schema: JsonSchema(schema), validates(schema)) for schema in SCHEMAS)  # type: ignore[misc]


def write(matcher: Any, text: str) -> None:
    for byte in text.encode():
        token = token_of(bytes([byte]))
        assert matcher.allows(token), (text, chr(byte))
        matcher.advance(token)


def test_halves_of_characters() -> None:
    """A key that is not ASCII may be written in tokens that split its characters."""
    matcher = JsonSchema(PERSON).start(TINY)
    write(matcher, '{"name": "x", "')
    for half in (b"g", b"r", b"\xc3", b"\xb6"):
        assert matcher.allows(token_of(half))
        matcher.advance(token_of(half))
    write(matcher, 'ße": 180}')
    assert matcher.finished


@pytest.mark.parametrize("text", ['{"v":3}', '{\n  "v": "grün",\n  "kids": [\n    {"v": null}\n  ]\n}', '{"v" : 3 }'])
def test_layouts(text: str) -> None:
    """Compact, spaced and indented JSON are all possible."""
    matcher = JsonSchema(TREE).start(TINY)
    write(matcher, text)
    assert matcher.finished
    assert allowed_by_mask(matcher, TINY) == TINY.ends


def test_white_space_is_bounded() -> None:
    """A model that loves white space cannot write it for ever."""
    matcher = JsonSchema(TREE).start(TINY)
    write(matcher, "{")
    matcher.advance(token_of(b"\n"))
    assert not matcher.allows(token_of(b"\n"))
    for _ in range(40):
        matcher.advance(token_of(b" "))
    assert not matcher.allows(token_of(b" "))


def test_properties_stand_in_the_order_given() -> None:
    """The order of a schema is that of the answer, so two orders are two constraints."""
    one = {"type": "object", "properties": {"b": {"const": 1}, "a": {"const": 2}}, "required": ["a", "b"]}
    other = {**one, "properties": {"a": {"const": 2}, "b": {"const": 1}}}
    assert JsonSchema(one) != JsonSchema(other)
    matcher = JsonSchema(one).start(TINY)
    assert not matcher.allows(token_of(b"a"))
    write(matcher, '{"b":1,"a":2}')


REFUSED = [
    ({"type": "integer", "minimum": 5, "maximum": 3}, r"minimum 5 and maximum 3, which no answer can fulfil \(at #\)"),
    ({"type": "array", "minItems": 3, "maxItems": 1}, "minItems"),
    ({"enum": []}, "anyOf is empty"),
    (
        {"type": "object", "properties": {"x/y": {"type": "array", "uniqueItems": True}}},
        r"uniqueItems.*\(at #/properties/x~1y/uniqueItems\)",
    ),
    ({"not": {"pattern": "a"}}, r'"not"\] \(at #/not\)'),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, r"oneOf.*\(at #/oneOf\)"),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}], "x-guidance": {"coerce_one_of": True}}, "oneOf"),
    ({"items": {"type": "string", "format": "no-such"}}, r"Unknown format: no-such \(at #/items/format\)"),
    ({"type": "string", "format": "no-such", "x-guidance": {"lenient": True}}, "Unknown format: no-such"),
    ({"x-guidance": 3}, "x-guidance"),
    ({"x-guidance": {"item_separator": 3}}, "cannot be used"),
    ({"type": "strnig"}, r"Invalid type: strnig \(at #/type\)"),
    ({"$ref": "#/$defs/none"}, "does not exist"),
    ({"$ref": "https://example.org/schema"}, "https://example.org/schema"),
    ({"$ref": "#"}, "within itself"),
    ({"anyOf": [{"type": "string", "pattern": "(?=a)b"}]}, r"look-around.*\(at #/anyOf/0/pattern\)"),
    ({"type": "string", "pattern": "a" * 30_000}, "30,000 characters"),
    ({"type": "integer", "minimun": 3}, "'minimun'"),
    ({"type": "string", "max_length": 3}, "'max_length'"),
    ({"type": "number", "exclusiveMinimum": True}, "exclusiveMinimum that is no number"),
    ({"disallow": "string"}, "disallow of an old draft"),
    ({"type": "integer", "maximum": 2**60}, "beyond"),
    ({"const": 10**30}, "beyond"),
    ({"enum": ["a", {"b": [2**53 + 1]}]}, "9007199254740993"),
    ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.4}, "less than 1 apart"),
    ({"type": "number", "exclusiveMaximum": -1, "minimum": -1.5}, "less than 1 apart"),
    ({"type": "object", "additionalProperties": {"type": "null"}, "minProperties": 2}, "minProperties 2"),
    ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "requires # within itself"),
    ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "within itself"),
    (
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 3}}, "required": ["a"]},
        "minimum 5 and maximum 3, which no answer can fulfil .at #/properties/a",
    ),
]


@pytest.mark.parametrize(("schema", "says"), REFUSED, ids=[json.dumps(schema)[:40] for schema, _ in REFUSED])
def test_what_cannot_be_honoured_is_refused(schema: dict[str, Any], says: str) -> None:
    """A schema is honoured in full or refused, naming keyword and place; it never loosens an answer."""
    with pytest.raises(UsageError, match=says) as caught:
        JsonSchema(schema).start(TINY)
    assert caught.value.hint
    assert len(caught.value.message) < 1000


@campaign(60)
@given(
    low=st.integers(-300, 300), high=st.integers(-300, 300), scale=st.sampled_from([1, 10, 100, 1000]), data=st.data()
)
def test_bounds_are_kept(low: int, high: int, scale: int, data: st.DataObject) -> None:
    """Whatever the bounds, whole or not, inclusive or not: a number is between them, or the schema is refused."""
    lower = data.draw(st.sampled_from(["minimum", "exclusiveMinimum"]))
    upper = data.draw(st.sampled_from(["maximum", "exclusiveMaximum"]))
    low, high = sorted((low, high))
    kind = data.draw(st.sampled_from(["number", "integer"]))
    schema = {"type": kind, lower: low / scale, upper: high / scale}
    for seed in range(10):
        try:
            matcher = JsonSchema(schema).start(TINY)
        except UsageError:
            return
        tokens, ended = walk(matcher, TINY, np.random.default_rng(seed), eager=3.0 * (seed % 2))
        assert not ended or validates(schema)(written(tokens, TINY).decode())


def test_notes_are_no_keywords() -> None:
    """Annotations, names of properties and values that look like keywords are left alone."""
    schema = {
        "type": "object",
        "properties": {"minimun": {"const": {"dependencies": 1}}, "extends": {"type": "null"}},
        "discriminator": {"x": 1},
        "examples": [{"divisibleBy": 3}],
    }
    JsonSchema(schema).start(TINY)


def test_recursion_that_can_end_is_allowed() -> None:
    """A schema may refer to itself where an answer can go without."""
    for again in ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, {"type": "array", "items": {"$ref": "#"}}):
        JsonSchema({"type": "object", "properties": {"a": again}, "required": ["a"]}).start(TINY)


@pytest.mark.parametrize("bad", [{"a": {1, 2}}, {1: "a"}, {"a": float("nan")}, {"a": "\ud800"}, [1], "{}"])
def test_what_is_no_json_is_refused(bad: Any) -> None:
    """A schema is JSON; what is not is refused where it is given."""
    with pytest.raises(UsageError):
        JsonSchema(bad)


def test_too_large_is_refused() -> None:
    """A schema has a bound, and the error has both figures."""
    with pytest.raises(UsageError, match="131,072"):
        JsonSchema({"enum": ["x" * 100] * 2000})


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def chained(length: int) -> dict[str, Any]:
    links = {str(i): {"$ref": f"#/$defs/{i + 1}"} for i in range(length)}
    return {"$ref": "#/$defs/0", "$defs": {**links, str(length): {"type": "integer"}}}


@pytest.mark.parametrize("schema", [nested(50), nested(600), chained(100), chained(3900)])
def test_deep_schemas_do_not_crash(schema: dict[str, Any]) -> None:
    """Depth that would fill a native stack works or is refused, on a thread with a small stack too."""
    outcome: list[object] = []

    def ask() -> None:
        try:
            matcher = JsonSchema(schema).start(TINY)
            outcome.append(walk(matcher, TINY, np.random.default_rng(0), eager=5.0))
        except UsageError as error:
            outcome.append(error)

    before = threading.stack_size(512 * 1024)
    thread = threading.Thread(target=ask)
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert len(outcome) == 1


def test_endlessly_nested_python_is_refused() -> None:
    """A value that contains itself, or is nested beyond Python's own bounds, is no schema."""
    loop: dict[str, Any] = {}
    loop["items"] = loop
    with pytest.raises(UsageError):
        JsonSchema(loop)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without llguidance the error says what to install."""
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(DependencyMissing) as caught:
        JsonSchema({"type": "object", "title": "never compiled"}).start(TINY)
    assert 'pip install "jupyter_localllm[constrain]"' in caught.value.hint


def test_many_threads_start_the_same() -> None:
    """Matchers may be started on many threads at once, and each be used on another."""
    matchers: list[Any] = []
    schema = {"type": "array", "items": {"type": "integer"}, "title": "threads"}
    threads = [threading.Thread(target=lambda: matchers.append(JsonSchema(schema).start(TINY))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = {written(walk(m, TINY, np.random.default_rng(3), eager=5.0)[0], TINY) for m in matchers}
    assert len(matchers) == 6
    assert len(texts) == 1


@pytest.mark.parametrize("form", ["date", "date-time"])
@pytest.mark.parametrize(
    ("day", "there"),
    [("2024-02-29", True), ("2023-02-29", False), ("0000-12-30", False), ("1900-02-29", False), ("2024-04-31", False)],
)
def test_dates_are_days_that_there_are(form: str, day: str, there: bool) -> None:
    """llguidance's own formats know neither leap years nor that the years begin with 1."""
    text = day if form == "date" else f"{day}T12:30:00Z"
    for schema in ({"type": "string", "format": form}, {"type": "array", "items": {"format": form, "type": "string"}}):
        told = text if "items" not in schema else [text]
        assert fits(JsonSchema(schema), json.dumps(told)) is there
