"""The registry, the bounds, and the promise that nothing is shortened and nothing is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from jupyter_localllm.errors import LocalLLMError, SourceError
from jupyter_localllm.sources import KINDS, MAX_BYTES, MAX_CELLS, Kind, Registry, Rendered, render_for_prompt
from jupyter_localllm.sources.base import check_cells


class Words:
    """A kind for tests."""

    def __init__(self, name: str, text: str, takes: type) -> None:
        self.name, self.text, self.takes = name, text, takes

    def matches(self, value: Any) -> bool:
        return isinstance(value, self.takes)

    def render(self, value: Any, name: str) -> Rendered:
        return Rendered(f"{self.text} {name}".strip())


def test_the_kinds_are_asked_in_this_order() -> None:
    """What describes itself comes first, and the kind that takes anything last."""
    assert KINDS.names == ("ai_repr", "text", "scalar", "frame", "structure", "object")


def test_every_shipped_kind_keeps_the_protocol() -> None:
    """A kind has a name, a test and a rendering; nothing else is asked of it."""
    assert all(isinstance(kind, Kind) for kind in KINDS._kinds)


def test_a_registered_kind_is_asked_first_and_replaces_its_namesake() -> None:
    """One line adds a kind; the same line again does not add it twice."""
    registry = Registry([Words("any", "anything", object)])
    ours = Words("number", "a number", int)
    assert registry.register(ours) is ours
    assert registry.names == ("number", "any")
    assert registry.render(3).text == "a number"
    assert registry.render("x", "it").text == "anything it"
    registry.register(Words("number", "another", int))
    assert registry.names == ("number", "any")
    assert registry.render(3).text == "another"


def test_a_value_of_no_kind_is_an_error() -> None:
    """An empty registry says so instead of returning nothing."""
    with pytest.raises(SourceError, match="x \\(int\\) is of no kind"):
        Registry().render(3, "x")


def test_a_failure_of_the_value_is_told_with_its_type() -> None:
    """Whatever a foreign object raises while it is read becomes one kind of error, with the cause kept."""

    class Broken(Words):
        def render(self, value: Any, name: str) -> Rendered:
            raise RuntimeError("disk on fire")

    with pytest.raises(SourceError, match=r"x \(int\) cannot be read: RuntimeError: disk on fire") as caught:
        Registry([Broken("b", "", object)]).render(3, "x")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_interrupt_is_not_swallowed() -> None:
    """Ctrl-C while a value is read stays Ctrl-C."""

    class Interrupted(Words):
        def render(self, value: Any, name: str) -> Rendered:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Registry([Interrupted("b", "", object)]).render(3)


def test_rendered_is_frozen() -> None:
    """What was rendered cannot change under a cache key."""
    with pytest.raises(FrozenInstanceError):
        render_for_prompt(1).text = "2"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("a" * MAX_BYTES, True),
        ("a" * (MAX_BYTES + 1), False),
        ("é" * (MAX_BYTES // 2), True),
        ("é" * (MAX_BYTES // 2 + 1), False),
        ("\ud800" * 10, True),
        ([0] * MAX_CELLS, False),  # the list itself is a value as well
        ([0] * (MAX_CELLS - 1), True),
        (range(10**12), False),
        ({i: i for i in range(MAX_CELLS + 1)}, False),
        ([[0] * 1000] * 1000, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_bounds_are_exact_and_an_error_and_never_a_cut(value: Any, fits: bool) -> None:
    """Up to the bound everything is there; above it nothing is, and the reader is told."""
    if fits:
        rendered = render_for_prompt(value)
        assert rendered.text.count("0") == len(value) if isinstance(value, list) else rendered.text == value
        return
    with pytest.raises(SourceError, match="too large for a prompt") as caught:
        render_for_prompt(value, name="big")
    assert caught.value.message.startswith("big is too large")
    assert "tokens" in caught.value.message
    assert "{{ big[:20] }}" in caught.value.hint


def test_the_error_of_a_large_value_tells_size_tokens_and_what_to_do() -> None:
    """The figures and the way out stand in the error."""
    with pytest.raises(SourceError) as caught:
        check_cells(5_000_000, "1,000,000 rows x 5 columns, 5,000,000 cells", "df", chars=30_000_000)
    assert "1,000,000 rows x 5 columns" in caught.value.message
    assert "about 10,000,000 tokens" in caught.value.message
    assert "{{ df.head(20) }}" in caught.value.hint
    assert "{{ df.describe() }}" in caught.value.hint
    assert isinstance(caught.value, LocalLLMError)


def _run(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **env}
    )
    return done.stdout


def test_nothing_heavy_is_imported_for_values_of_python() -> None:
    """pandas, polars, pyarrow, numpy and narwhals are imported by whoever uses them, and not by us."""
    code = """
import sys
from jupyter_localllm.sources import render_for_prompt as r
for value in (1, 2.5, None, "text", [1, {"a": (2,)}], {1, 2}, range(3), ValueError("x")):
    r(value)
heavy = {"pandas", "polars", "pyarrow", "numpy", "narwhals", "matplotlib", "pydantic", "jinja2"}
print(sorted(heavy & set(sys.modules)))
"""
    assert _run(code).strip() == "[]"


def test_a_frame_imports_no_other_library() -> None:
    """A pandas frame is read without polars or pyarrow being imported for it."""
    code = """
import sys
import pandas as pd
before = set(sys.modules)
from jupyter_localllm.sources import render_for_prompt as r
r(pd.DataFrame({"a": [1]}))
print(sorted({"polars", "duckdb", "dask"} & (set(sys.modules) - before)))
"""
    assert _run(code).strip() == "[]"


def test_the_text_is_the_same_in_every_process() -> None:
    """Two processes with different hash seeds write the same text, or a cached answer would be lost."""
    code = """
import datetime, decimal, pandas as pd, numpy as np
from jupyter_localllm.sources import render_for_prompt as r
words = {"red", "green", "blue", "x", "y"}
mixed = {1, "a", (2, 3), None, frozenset({"p", "q", "r"}), 2.5}
frame = pd.DataFrame({"s": [words, {"k": {"z", "a"}}], "t": [1, 2]})
for value in (words, mixed, {"in": [words, mixed]}, frame, np.array([1.5]), datetime.date(2024, 1, 2)):
    print(r(value).text)
"""
    outputs = {_run(code, PYTHONHASHSEED=seed) for seed in ("0", "1", "12345")}
    assert len(outputs) == 1
    assert '["blue", "green", "red", "x", "y"]' in outputs.pop()
