"""Old drafts, written anew with the same meaning."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.constrain.modern import modern

# a schema of an old draft, the draft that knows it, and the same in words of today
OLD: list[tuple[dict[str, Any], Any]] = [
    ({"items": [{"type": "integer"}], "additionalItems": False}, jsonschema.Draft7Validator),
    (
        {"items": [{"type": "integer"}, {"type": "null"}], "additionalItems": {"type": "string"}},
        jsonschema.Draft7Validator,
    ),
    ({"items": {"type": "integer"}, "additionalItems": False}, jsonschema.Draft7Validator),
    ({"additionalItems": False}, jsonschema.Draft7Validator),
    ({"minimum": 1, "exclusiveMinimum": True}, jsonschema.Draft4Validator),
    ({"maximum": 2, "exclusiveMaximum": False}, jsonschema.Draft4Validator),
    ({"dependencies": {"a": ["b", "c"]}}, jsonschema.Draft7Validator),
    ({"dependencies": {"a": {"properties": {"b": {"type": "integer"}}}, "b": False}}, jsonschema.Draft7Validator),
    ({"dependentRequired": {"a": ["b"], "b": ["c"]}}, jsonschema.Draft202012Validator),
    (
        {"dependentSchemas": {"a": {"required": ["c"]}}, "allOf": [{"minProperties": 1}]},
        jsonschema.Draft202012Validator,
    ),
    ({"properties": {"a": {"dependencies": {"a": ["b"]}}}}, jsonschema.Draft7Validator),
]
SCALARS = st.none() | st.integers(0, 3) | st.sampled_from(["x", 1.5])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@pytest.mark.parametrize(("schema", "draft"), OLD, ids=[json.dumps(schema)[:50] for schema, _ in OLD])
@given(value=VALUES)
def test_what_is_written_anew_means_the_same(schema: dict[str, Any], draft: Any, value: Any) -> None:
    """Each value is valid under the old schema and its draft exactly if it is under the new one."""
    assert draft(schema).is_valid(value) == jsonschema.Draft202012Validator(modern(schema)).is_valid(value)


def test_names_are_no_keywords() -> None:
    """A property called like a keyword stays a property, and what is compared stays as it is."""
    schema = {"properties": {"items": {"type": "integer"}, "dependencies": {}}, "const": {"items": [1]}}
    assert modern(schema) == schema
