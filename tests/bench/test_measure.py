"""What goes wrong while it is measured, and what of it is passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import jupyter_localllm as jl
from tests.bench.test_benchmark import scripted


def test_a_bug_of_a_backend_costs_its_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is not ours is told with its kind, where the case is made and where it runs."""
    llm, made = scripted(), []

    def measured(settings: Mapping[str, Any]) -> Any:
        made.append(settings)
        if len(made) == 1:
            raise ZeroDivisionError("in its making")
        handle = scripted()
        if len(made) == 2:
            monkeypatch.setattr(handle, "loading", lambda: 1 / 0)
        return handle

    monkeypatch.setattr(llm, "_measured", measured)
    first, second, third = llm.benchmark(n=1, warmup=0, seed=[1, 2, 3]).rows
    assert first.error == "ZeroDivisionError: in its making"
    assert second.error.startswith("ZeroDivisionError")
    assert third.error == ""


def test_addresses_are_masked_in_what_is_passed_on() -> None:
    """A result has neither names nor keys of addresses, whatever was measured."""
    where = ["openai:a@http://me:s3cret@127.0.0.1:9/v1", "openai:b@http://127.0.0.1:9/v1?api_key=s3cret"]
    result = jl.LocalLLM(endpoint="http://me:s3cret@127.0.0.1:9/v1").benchmark(where, n=1, warmup=0)
    assert len(result.rows) == 2
    assert "s3cret" not in result.to_json() + result.csv() + str(result)
