"""What goes wrong while it is measured, and what of it is passed on."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import jupyter_localllm as jl
from tests.bench.test_benchmark import scripted
from tests.tiny_models import write_tiny_llama


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


def test_what_an_earlier_case_left_is_not_taken_from_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Garbage that Python lets go while a case is loaded would make its memory less than nothing."""
    llm, size = jl.LocalLLM(model=str(write_tiny_llama(tmp_path / "m.gguf"))), 120 << 20
    load = jl.LocalLLM.loading

    def loading(self: Any) -> Iterator[Any]:
        gc.collect()
        self.weights = bytearray(b"x") * (size // 2)
        yield from load(self)

    monkeypatch.setattr(jl.LocalLLM, "loading", loading)
    gc.collect()
    gc.disable()
    try:
        left: list[Any] = [bytearray(b"x") * size]
        left.append(left)
        del left
        (row,) = llm.benchmark(n=1, warmup=0, max_tokens=2, prompts=["Hi"]).rows
    finally:
        gc.enable()
    assert row.error == ""
    assert row.resident_bytes is not None
    assert row.resident_bytes > size // 4
