"""examples/endpoint.py: maps over a server that speaks OpenAI's protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.stub_server import serving
from examples.endpoint import Endpoint
from jupyter_localllm import LocalLLM
from jupyter_localllm.errors import EngineError


def test_a_map(tmp_path: Path) -> None:
    """Rows, schemas and the cache work on top of it, and what the server refuses is the row's error."""
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> str:
        asked.append(body)
        question = body["messages"][-1]["content"]
        if "refuse" in question:
            raise ValueError("no room")
        return "7" if question.startswith("How many") else f"re: {question}"

    with serving(answer, seconds=0.02) as url:
        llm = LocalLLM.from_engine(Endpoint(url, "m"), n_parallel=8, cache_dir=str(tmp_path))
        texts = [f"text {i}" for i in range(20)]
        assert llm.map("{{ value }}", texts, max_tokens=9) == [f"re: {text}" for text in texts]
        assert (asked[0]["model"], asked[0]["max_tokens"], asked[0]["temperature"]) == ("m", 9, 0.0)
        assert llm.map("How many in {{ value }}?", ["a"], schema=int) == [7]
        with pytest.raises(EngineError, match=r"row 0: .* answered 500: .*no room"):
            llm.map("{{ value }}", ["refuse"])
        count = len(asked)
        assert llm.map("{{ value }}", texts, max_tokens=9, cache="require")[3] == "re: text 3"
        assert len(asked) == count
    with pytest.raises(EngineError, match="cannot be asked"):
        llm.generate("Hello")
