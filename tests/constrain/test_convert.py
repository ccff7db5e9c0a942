"""What `schema=` takes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jupyter_localllm.constrain import Choices, Grammar, JsonSchema, Numbers, Regex, as_constraint
from jupyter_localllm.errors import UsageError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "null"}, JsonSchema({"type": "null"})),
        (' {"type": "null"} ', JsonSchema({"type": "null"})),
        (["a", "b"], Choices(["a", "b"])),
        (("a",), Choices(["a"])),
        ({"b", "a"}, Choices(["a", "b"])),
        (frozenset({"a"}), Choices(["a"])),
        (re.compile("a+"), Regex("a+")),
        (re.compile("(?i)a+"), Regex("(?i)(?i)a+")),
        (Numbers(["1"]), Numbers(["1"])),
        (Grammar("start: /a/"), Grammar("start: /a/")),
    ],
)
def test_accepted(given: Any, expected: object) -> None:
    """Plain values become the constraint that they mean."""
    assert as_constraint(given) == expected


@pytest.mark.parametrize(
    "given", [3, None, int, JsonSchema, b"{}", "yes", "[1]", "3", '{"a":', "[" * 100_000, object()]
)
def test_refused(given: Any) -> None:
    """All else is refused, and the hint says what is accepted."""
    with pytest.raises(UsageError) as caught:
        as_constraint(given)
    assert "JSON schema" in caught.value.hint


@pytest.mark.parametrize("given", [[], [1], ["a", ""], {}.keys()])
def test_wrong_lists(given: Any) -> None:
    """A list is one of texts."""
    with pytest.raises(UsageError):
        as_constraint(given)
