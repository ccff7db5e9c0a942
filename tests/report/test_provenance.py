"""What outputs say of themselves keeps to the shipped schema."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jupyter_localllm.show.bundle import METADATA_KEY, bundle
from jupyter_localllm.show.view import View
from jupyter_localllm.types import Sampling, Timings, Usage
from jupyter_localllm.widgets.kept import Turn
from jupyter_localllm.widgets.kept import bundle as panel
from tests.report.samples import KINDS
from tests.test_answer_samples import CASES

SCHEMA = json.loads((resources.files("jupyter_localllm.report") / "provenance.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(record: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(record)]


def test_it_is_a_schema() -> None:
    """The file is a JSON Schema itself."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer(kind: str) -> None:
    """Plain, typed, cited, with tools, maps, errors, broken off: each keeps to it."""
    (output,) = KINDS[kind][1]
    assert faults(output["metadata"][METADATA_KEY]) == []


@pytest.mark.parametrize("name", CASES)
def test_the_samples_of_the_labextension(name: str) -> None:
    """What the labextension reads keeps to it, too, also while it streams."""
    assert faults(bundle(CASES[name][0])[1][METADATA_KEY]) == []


def test_a_panel_and_what_has_not_begun() -> None:
    """The rest of what we publish keeps to it."""
    assert faults(panel("trip", [Turn("r", "Where to?", final=True)])[1][METADATA_KEY]) == []
    assert faults(bundle(View())[1][METADATA_KEY]) == []


def test_a_new_field_must_be_told() -> None:
    """The schema names all that our types have, so that a field that comes later is not forgotten."""
    defs = SCHEMA["$defs"]
    named = [field.name for field in dataclasses.fields(Sampling)]
    assert list(defs["sampling"]["properties"]) == named
    assert list(defs["timings"]["properties"]) == [field.name for field in dataclasses.fields(Timings)]
    usage = defs["answer"]["properties"]["volatile"]["properties"]["usage"]
    assert list(usage["properties"]) == [field.name for field in dataclasses.fields(Usage)]


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"model_sha256": "abc"},
        {"sampling": {"heat": 1}},
        {"sources": {"df": 7}},
        {"name": ""},
        {"volatile": {"cached": "yes"}},
    ],
)
def test_it_is_strict(change: dict[str, Any]) -> None:
    """What we do not write is refused."""
    (output,) = KINDS["plain"][1]
    record = dict(output["metadata"][METADATA_KEY])
    assert faults(record) == []
    assert faults(record | change) != []


@pytest.mark.parametrize("name", ["complete", "model_sha256", "sampling", "prompt_sha256", "key", "volatile"])
def test_nothing_may_be_missing(name: str) -> None:
    """An answer that does not say what made it is refused."""
    (output,) = KINDS["plain"][1]
    record = {key: value for key, value in output["metadata"][METADATA_KEY].items() if key != name}
    assert faults(record) != []
