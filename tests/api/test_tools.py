"""``tools=`` of the handle: where it goes, what it refuses, and a real model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import ToolNotConfirmed, UsageError
from jupyter_localllm.types import Called, Cited, Done
from tests.tiny_models import SPECIAL, byte_alphabet, write_tiny_llama
from tests.tools import shop
from tests.tools.templates import TEMPLATES

CALL = json.dumps({"name": "double", "arguments": {"number": 3}})


def scripted(*script: str) -> jl.LocalLLM:
    return jl.LocalLLM.from_engine(ScriptedEngine(list(script) or [CALL, "Twice 3 is 6."]))


def test_generate_gives_a_result_with_its_calls() -> None:
    """The text is the model's own; what was called stands beside it."""
    result = scripted().generate("Twice 3?", tools=[shop.double])
    assert (result.text, [call.shown for call in result.calls]) == ("Twice 3 is 6.", ["double(3) = 6"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tools": shop.double}, "list of functions"),
        ({"tools": []}, "empty"),
        ({"tools": [3]}, "int"),
        ({"tools": [shop.double], "schema": int}, "schema does not go with tools"),
        ({"tools": [shop.double], "tool_rounds": 0}, "tool_rounds"),
        ({"tools": [shop.double], "confirm": "yes"}, "confirm"),
        ({"confirm": print}, "confirm is for tools"),
    ],
)
def test_wrong_options_are_told_at_once(options: dict[str, Any], says: str) -> None:
    """Before anything is asked, by every way of asking."""
    for ask in (scripted().stream, scripted().ask, scripted().plan):
        with pytest.raises(UsageError, match=says):
            ask("Twice 3?", **dict(options))


def test_a_misspelt_option_is_told() -> None:
    """With its close match."""
    with pytest.raises(UsageError, match="Did you mean tools"):
        scripted().stream("Twice 3?", tool=[shop.double])


def test_a_map_takes_no_tools() -> None:
    """Each row would be a conversation of its own; it is refused with what to do."""
    with pytest.raises(UsageError, match="tools do not go with a map"):
        scripted().map("{{ value }}", ["a"], tools=[shop.double])


def test_ask_without_sources_needs_tools() -> None:
    """The sources may be left out only then."""
    with pytest.raises(UsageError, match="sources"):
        scripted().ask("Twice 3?")
    assert scripted().ask("Twice 3?", tools=[shop.double]).text == "Twice 3 is 6 [1]."


def test_async_twins() -> None:
    """The functions run on a thread of their own: what is safe runs, what needs a person is refused."""

    async def main() -> None:
        llm = scripted()
        events = [event async for event in llm.astream("Twice 3?", tools=[shop.double])]
        assert [type(e) for e in events if isinstance(e, (Called, Cited, Done))] == [Called, Cited, Done]
        assert (await scripted().aask("Twice 3?", tools=[shop.double])).value is None
        assert (await scripted().agenerate("Twice 3?", tools=[shop.double])).calls
        tea = json.dumps({"name": "price", "arguments": {"item": "tea"}})
        with pytest.raises(ToolNotConfirmed):
            await scripted(tea, "12").agenerate("Tea?", tools=[shop.price])
        assert (await scripted(tea, "12").agenerate("Tea?", tools=[shop.price], yes=True)).calls[0].outcome == "12.0"

    asyncio.run(main())


def test_a_plan_shows_the_tools() -> None:
    """What the model would be told of them, without asking it."""
    plan = scripted().plan("Twice 3?", tools=[shop.double])
    assert "Twice a number." in plan.fitted.prompt.messages[0].content


def test_a_report_runs_again_without_the_model() -> None:
    """Under `require` the rounds come from the cache and pure outcomes too."""
    llm = scripted()
    llm.ask("Twice 3?", tools=[shop.double])
    again = scripted("never asked")
    answer = again.ask("Twice 3?", tools=[shop.double], cache="require")
    assert answer.text == "Twice 3 is 6 [1]."
    assert again.engine is not None
    assert not again.engine.loaded


def test_edited_tools_are_asked_anew() -> None:
    """What the model is told of a tool is part of the key."""

    def named(text: str) -> Any:
        def double(number: int) -> int:
            return 2 * number

        double.__doc__ = text
        return jl.tool(safe=True)(double)

    assert scripted().generate("Twice 3?", tools=[named("One.")]).cached is False
    assert scripted().generate("Twice 3?", tools=[named("Another.")]).cached is False
    assert scripted().generate("Twice 3?", tools=[named("One.")]).cached is True


@pytest.mark.model
def test_the_real_model_calls_a_function() -> None:
    """SmolLM2 writes the call under its schema, and answers with what it gave."""
    llm = jl.LocalLLM(n_threads=1)
    answer = llm.ask("What is the weather in Oslo?", tools=[shop.weather], must_call=True, max_tokens=64)
    assert answer.result.calls[0].shown == 'weather("Oslo") = sunny in Oslo'
    assert "sunny" in answer.text
    assert answer.supported


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("mistral", ("[TOOL_CALLS]",)),
        ("mistral-named", ("[TOOL_CALLS]", "[ARGS]")),
        ("hermes", ("<tool_call>", "</tool_call>")),
        ("harmony", ("<|channel|>", "<|constrain|>", "<|message|>", "<|start|>", "<|call|>")),
        ("llama3", ("<|python_tag|>",)),
        ("qwen", ("<tool_call>", "</tool_call>")),
        ("gemma", ()),
        ("plain", ()),
    ],
)
def test_every_format_by_a_model_with_its_control_tokens(
    name: str, marks: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that says nothing sensible still writes a whole call in the format, control tokens and all."""
    # Without the child process, which takes seconds; it has tests of its own.
    monkeypatch.setattr("jupyter_localllm.runtime.prepare.check_in_child", lambda *args, **options: iter(()))
    tokens = [*SPECIAL, *byte_alphabet(), *marks]
    kinds = [3, 3, 3, 4, 4, *[1] * 256, *[3] * len(marks)]
    metadata = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": ["a b"],
    }
    path = write_tiny_llama(
        tmp_path / f"{name}.gguf", n_vocab=len(tokens), n_ctx=4096, chat_template=TEMPLATES[name], metadata=metadata
    )
    llm = jl.LocalLLM(model=str(path), n_threads=1, system="")
    result = llm.generate("Weather?", tools=[shop.weather], must_call=True, tool_rounds=1, max_tokens=2000)
    (call,) = result.calls[:1]
    assert call.shown in ('weather("Oslo") = sunny in Oslo', 'weather("Rome") = sunny in Rome')
