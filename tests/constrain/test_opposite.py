"""What llguidance does not know, in keywords that it does."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.constrain import JsonSchema
from jupyter_localllm.constrain import schema as schema_module
from jupyter_localllm.constrain.opposite import without_not
from jupyter_localllm.constrain.roomy import LARGEST_TEXT
from jupyter_localllm.constrain.validate import BYTES, fits
from jupyter_localllm.errors import UsageError

ALONE: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": ["number", "null"]},
    {"const": True},
    {"const": 2},
    {"const": None},
    {"enum": ["ab", "a", "b"]},
    {"enum": [1, 3, "x", False]},
    {"required": ["a", "b"]},
    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
    {"properties": {"a": {"const": "x"}, "b": {"minimum": 2}}},
    {"minimum": 1, "maximum": 2},
    {"exclusiveMinimum": 0, "exclusiveMaximum": 2},
    {"minLength": 1, "maxLength": 2},
    {"minItems": 1, "maxItems": 2},
    {"minProperties": 1, "maxProperties": 1},
    {"not": {"type": "object"}},
    {"allOf": [{"minimum": 1}, {"type": "number"}]},
    {"anyOf": [{"type": "string"}, {"minimum": 2}]},
    {"title": "a note"},
]
OTHERS: list[dict[str, Any]] = [
    {
        "if": {"properties": {"a": {"const": "x"}}, "required": ["a"]},
        "then": {"required": ["b"]},
        "else": {"minItems": 1},
    },
    {"if": {"type": "object"}, "then": {"required": ["a"]}},
    {"if": {"minimum": 1}, "else": {"type": "string"}},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}]},
    {"oneOf": [{"minimum": 1}, {"maximum": 2}]},
    {"dependentRequired": {"a": ["b"], "b": ["c"]}, "type": "object"},
    {"dependentSchemas": {"a": {"required": ["c"]}}},
    {"type": "object", "properties": {"a": {"not": {"type": "string"}}}, "not": {"required": ["b"]}},
]
SCHEMAS = [{"not": schema} for schema in ALONE] + OTHERS
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 4) | st.sampled_from(["", "a", "ab", "abc", "b", "x", 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=[json.dumps(schema)[:60] for schema in SCHEMAS])
@given(value=VALUES)
def test_what_is_written_anew_means_the_same(schema: dict[str, Any], value: Any) -> None:
    """Each value is valid under both or under neither, and nothing is left of what llguidance does not know."""
    rewritten = without_not(schema)
    draft = jsonschema.Draft202012Validator
    assert draft(schema).is_valid(value) == draft(rewritten).is_valid(value)
    unknown = ("not", "if", "oneOf", "dependentRequired", "dependentSchemas")
    assert not any(f'"{keyword}"' in json.dumps(rewritten) for keyword in unknown)


@pytest.mark.parametrize("keyword", ["oneOf", "if"])
def test_what_would_explode_stays_as_it_is(keyword: str) -> None:
    """Each level repeats the one below: what is written anew is no larger than a schema may be."""
    schema: dict[str, Any] = {"required": ["a"]}
    for level in range(18):
        inner: Any = schema if keyword == "if" else [schema, *({"required": [name]} for name in "bcd")]
        schema = (
            {keyword: inner, "minProperties": 1} if keyword == "oneOf" else {"if": inner, "then": {"maxItems": level}}
        )
    assert len(json.dumps(without_not(schema))) < 2 * LARGEST_TEXT


def test_many_that_grow_are_refused_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are each small enough written anew may be too large as a whole; llguidance never sees that."""
    one = {"oneOf": [{"required": [f"{number:03}"]} for number in range(40)]}
    schema = JsonSchema({"type": "object", "properties": {f"p{number}": one for number in range(60)}})
    given: list[int] = []
    start = schema_module.start_guided
    monkeypatch.setattr(
        schema_module, "start_guided", lambda text, *rest: given.append(len(text)) or start(text, *rest)
    )
    with pytest.raises(UsageError, match="oneOf"):
        schema.start(BYTES)
    assert max(given) < LARGEST_TEXT + 1000


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (
            {
                "type": "object",
                "properties": {name: {"type": "integer"} for name in "ab"},
                "dependencies": {"a": ["b"]},
            },
            ['{"a": 1, "b": 2}', '{"b": 2}', "{}"],
            ['{"a": 1}'],
        ),
        (
            {"type": "string", "not": {"enum": ["a-b", "a", "ä"]}},
            ['"a-"', '""', '"a-bc"', '"b"'],
            ['"a-b"', '"a"', '"ä"'],
        ),
        (
            {
                "type": "object",
                "properties": {"kind": {"enum": ["box", "ball"]}, "edge": {"type": "integer"}},
                "required": ["kind"],
                "if": {"properties": {"kind": {"const": "box"}}},
                "then": {"required": ["edge"]},
            },
            ['{"kind": "box", "edge": 1}', '{"kind": "ball"}'],
            ['{"kind": "box"}'],
        ),
    ],
)
def test_it_is_held(schema: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    """Properties stay in the order of the schema, texts that are not wanted cannot be written."""
    held = JsonSchema(schema)
    assert [fits(held, text) for text in right] == [True] * len(right)
    assert [fits(held, text) for text in wrong] == [False] * len(wrong)


@pytest.mark.parametrize(
    "inner",
    [{"pattern": "a"}, {"multipleOf": 7}, {"type": "integer"}, {"properties": {}, "additionalProperties": False}, 3],
)
def test_what_has_no_opposite_is_refused_as_before(inner: Any) -> None:
    """Nothing is written anew that would not be exact."""
    assert without_not({"not": inner}) == {"not": inner}
    with pytest.raises(UsageError, match="#/not"):
        JsonSchema({"type": ["integer", "string", "object"], "not": inner}).start(BYTES)
