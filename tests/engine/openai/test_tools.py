"""Tools through a server of OpenAI's protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from tests.engine.openai.speaker import DONE, Scripted, delta
from tests.engine.served.asking import Make
from tests.engine.served.server import Asked

CHAT = "/v1/chat/completions"


def price(item: str) -> float:
    """The price of an item.

    Parameters
    ----------
    item : str
        What it is.
    """
    return {"tea": 3.5}[item]


def calls(*parts: dict[str, Any]) -> list[bytes]:
    return [*(delta(tool_calls=[{"index": 0, **part}]) for part in parts), delta("tool_calls"), DONE]


def answering(request: Asked) -> Any:
    """A call first, in parts; then words about what it gave."""
    if request.body["messages"][-1]["role"] == "tool":
        return [delta(content="Tea costs 3.5."), delta("stop"), DONE]
    return calls(
        {"id": "x", "type": "function", "function": {"name": "price", "arguments": ""}},
        {"function": {"arguments": '{"item": '}},
        {"function": {"arguments": '"tea"}'}},
    )


def test_calls(scripted: Scripted, handle: Make) -> None:
    """The server is told of the tools, its call runs, and what it gave is told under the call's id."""
    scripted.speaker.routes[CHAT] = answering
    result = handle().generate("What does tea cost?", tools=[price], yes=True)
    assert [(call.words, call.outcome) for call in result.calls] == [('price("tea")', "3.5")]
    assert result.text.startswith("Tea costs 3.5")
    first, second = scripted.speaker.bodies(CHAT)
    assert first["tool_choice"] == "auto"
    assert first["tools"][0]["function"]["parameters"]["properties"]["item"]["type"] == "string"
    asked, told = second["messages"][-2:]
    assert asked["tool_calls"][0]["function"] == {"name": "price", "arguments": '{"item": "tea"}'}
    assert (told["role"], told["content"]) == ("tool", "3.5")
    assert told["tool_call_id"] == asked["tool_calls"][0]["id"]


def test_must_call(scripted: Scripted, handle: Make) -> None:
    """The server is told that a call must come; if none comes, the answer says so."""
    scripted.answers["tea"] = "Tea is dear."
    result = handle().generate("What does tea cost?", tools=[price], yes=True, must_call=True)
    assert scripted.speaker.bodies(CHAT)[0]["tool_choice"] == "required"
    assert [note.code for note in result.notes] == ["no_call"]


def test_a_server_without_tools(scripted: Scripted, handle: Make) -> None:
    """One that refuses them has them told in the prompt, in the same question; a call in its text is a call."""

    def refuses(request: Asked) -> Any:
        if "tools" in request.body:
            return 400, {"error": {"message": '"auto" tool choice requires --enable-auto-tool-choice to be set'}}
        if "3.5" in request.body["messages"][-1]["content"]:
            return [delta(content="Tea costs 3.5."), delta("stop"), DONE]
        return [delta(content='{"name": "price", "arguments": {"item": "tea"}}'), delta("stop"), DONE]

    scripted.speaker.routes[CHAT] = refuses
    result = handle().generate("What does tea cost?", tools=[price], yes=True)
    assert [(call.name, call.outcome) for call in result.calls] == [("price", "3.5")]
    sent = scripted.speaker.bodies(CHAT)
    assert ["tools" in body for body in sent] == [True, False, False]
    assert "You can call these functions" in sent[1]["messages"][0]["content"]


def test_tools_of_who_is_chosen(scripted: Scripted, tmp_path: Path) -> None:
    """Behind a router a server is told of the tools as if it stood alone, and one that refuses them has them told."""
    name = f"router:openai:gone@{scripted.speaker.url}/v1|openai:m@{scripted.speaker.url}/v1"
    llm = LocalLLM(model=name, cache_dir=str(tmp_path), cache="off")
    scripted.speaker.routes[CHAT] = answering
    result = llm.generate("What does tea cost?", tools=[price], yes=True)
    assert [(call.name, call.outcome) for call in result.calls] == [("price", "3.5")]
    assert all("tools" in body for body in scripted.speaker.bodies(CHAT))
    assert result.provenance.answered_by == f"openai:m@{scripted.speaker.url}/v1"
    assert "has no model 'gone'" in result.provenance.answered_why

    def refuses(request: Asked) -> Any:
        if "tools" in request.body:
            return 400, {"error": {"message": "no tools here"}}
        return [delta(content="Tea costs 3.5."), delta("stop"), DONE]

    scripted.speaker.routes[CHAT] = refuses
    assert llm.generate("And now?", tools=[price], yes=True).text.startswith("Tea costs 3.5.")
    llm.close()


@pytest.mark.parametrize("owner", ["me"])
def test_llama_cpp_server_reads_no_calls(scripted: Scripted, handle: Make, owner: str) -> None:
    """So it is not told of tools at all, and they stand in the prompt."""
    scripted.models = [{"id": "m", "owned_by": owner}]
    handle().generate("What does tea cost?", tools=[price], yes=True, max_tokens=9)
    assert "tools" not in scripted.speaker.bodies(CHAT)[0]
