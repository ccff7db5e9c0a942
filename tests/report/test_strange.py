"""Notebooks that somebody else wrote, or that were damaged: they are read, shown and compared without a fault."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_localllm.report.collect import collect, to_frame
from jupyter_localllm.report.moved import compare, plain, text
from jupyter_localllm.report.page import html
from tests.report.samples import notebook

WHOLE: dict[str, Any] = json.loads(json.dumps(notebook()))
WHOLE["metadata"] = {"title": "x", "papermill": {"parameters": {"n": 1}, "end_time": "2026-01-01T00:00:00"}}
JUNK = (None, True, 3, -1, 2.5, "", "text", "<b>", [], [1, "x", None], {}, {"x": {"y": 1}}, "\ud800", "x" * 3_000)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in nested values; cells and outputs stay, as nbformat itself needs them."""
    found = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        here = (*path, name)
        structure = (
            here == ("cells",) or (len(here) in (2, 3) and here[-1] in ("cell_type", "id", "source")) or len(here) == 2
        )
        if not structure and here[-1] not in ("outputs", "output_type", "nbformat", "nbformat_minor"):
            found.append(here)
        found += places(one, here)
    return found


PLACES = places(WHOLE)


def put(made: Any, path: tuple[Any, ...], value: Any) -> None:
    for name in path[:-1]:
        try:
            made = made[name]
        except (KeyError, IndexError, TypeError):  # something else stands there already
            return
    if isinstance(made, dict) or (isinstance(made, list) and isinstance(path[-1], int) and path[-1] < len(made)):
        made[path[-1]] = value


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK)), min_size=1, max_size=6))
def test_anything_in_any_place(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever stands where we would write something else, there is a page, a table and a comparison."""
    made = copy.deepcopy(WHOLE)
    for path, value in changes:
        put(made, path, copy.deepcopy(value))
    answers = collect(made)
    assert len(to_frame(answers)) == len(answers)
    html(made, code=True).encode()
    moved = compare(WHOLE, made)
    text(moved)
    json.dumps(plain(moved))
