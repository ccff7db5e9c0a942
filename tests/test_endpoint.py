"""examples/endpoint.py: maps over a server that speaks OpenAI's protocol."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.stub_server import serving
from examples.endpoint import endpoint, main
from jupyter_localllm.errors import EngineError


def test_a_map() -> None:
    """Rows and the cache work on top of it, and what the server refuses is the row's error."""
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> str:
        asked.append(body)
        question = body["messages"][-1]["content"]
        if "refuse" in question:
            raise ValueError("no room")
        return f"re: {question}"

    with serving(answer, seconds=0.02) as url:
        llm = endpoint("m", url, at_once=8)
        texts = [f"text {i}" for i in range(20)]
        assert llm.map("{{ value }}", texts, max_tokens=9) == [f"re: {text}" for text in texts]
        assert (asked[0]["model"], asked[0]["max_tokens"], asked[0]["temperature"]) == ("m", 9, 0.0)
        with pytest.raises(EngineError, match=r"row 0: .* answered 500: .*no room"):
            llm.map("{{ value }}", ["refuse"])
        count = len(asked)
        assert llm.map("{{ value }}", texts, max_tokens=9, cache="require")[3] == "re: text 3"
        assert len(asked) == count
        llm.close()


def test_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a mood for each text."""
    with serving(lambda body: "unhappy" if "cold" in body["messages"][-1]["content"] else "happy") as url:
        main("m", url)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["happy", "unhappy", "happy"]
