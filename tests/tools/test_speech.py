"""What of an answer with tools is shown while it comes, and how its calls reach the result."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_localllm.errors import UsageError
from jupyter_localllm.tools.formats import Calling
from jupyter_localllm.tools.speech import BROKEN, NO_ANSWER, speech_of
from jupyter_localllm.tools.tool import as_tools
from jupyter_localllm.types import Done, Event, ModelInfo, Result, Token
from tests.tools import shop
from tests.tools.templates import CONTROL, TEMPLATES

TOOLS = as_tools([shop.price])


def heard(name: str, pieces: list[str], how: Calling = "may") -> tuple[list[str], Result]:
    speech = speech_of(TOOLS, how, ModelInfo("m", 4096, TEMPLATES[name], control=CONTROL))
    assert speech is not None

    def events() -> Iterator[Event]:
        yield from (Token(piece) for piece in pieces)
        yield Done(Result("".join(pieces)))

    said: list[str] = []
    for event in speech.listen(events()):
        if isinstance(event, Done):
            return said, event.result
        assert isinstance(event, Token)
        said.append(event.text)
    raise AssertionError("no end")


CALL = '{"name": "price", "arguments": {"item": "tea"}}'


@pytest.mark.parametrize(
    ("name", "pieces", "said", "calls"),
    [
        ("plain", ["It", " is", " {x}"], "It is {x}", 0),
        ("plain", ["\n", "{", CALL[1:]], "", 1),
        ("plain", ["", " ", "I"], " I", 0),
        ("hermes", ["I look", ".\n<tool", "_call>", CALL, "</tool_call>"], "I look.\n", 1),
        ("hermes", ["a < b, <tool", " box>"], "a < b, <tool box>", 0),
        ("hermes", ["a <tool_call"], "a <tool_call", 0),
        ("gemma", ["``", "`json\n", CALL.replace("arguments", "parameters"), "\n```"], "", 1),
        ("gemma", ["``", "`python\nx", "\n```"], "```python\nx\n```", 0),
        ("mistral", ["[TOOL", "_CALLS]", f"[{CALL}]"], "", 1),
    ],
)
def test_calls_are_not_shown(name: str, pieces: list[str], said: str, calls: int) -> None:
    """Text comes as it is written, without anything of a call; what only looked like one comes in the end."""
    shown, result = heard(name, pieces)
    assert "".join(shown) == said
    assert len(result.calls) == calls
    assert result.text == ("" if calls and not said else said.rstrip() if calls else said)


def test_text_does_not_wait() -> None:
    """What cannot be the beginning of a call any more is shown at once."""
    assert heard("plain", ["Hello", " there"])[0] == ["Hello", " there"]
    assert heard("hermes", ["Hello", " there"])[0] == ["Hello", " there"]


def test_a_broken_call_is_shown_and_noted() -> None:
    """Nothing that the model wrote is lost."""
    shown, result = heard("plain", ['{"name": "price", "argu'])
    assert "".join(shown) == result.text == '{"name": "price", "argu'
    assert [note.code for note in result.notes] == [BROKEN]


def test_a_call_behind_a_call_is_not_lost() -> None:
    """What follows a whole call and is cut off stands in the text, and is noted."""
    _, result = heard("plain", [CALL, '\n{"name": "price", "argu'])
    assert len(result.calls) == 1
    assert result.text == '{"name": "price", "argu'
    assert [note.code for note in result.notes] == [BROKEN]


@pytest.mark.parametrize("name", ["plain", "hermes"])
def test_a_call_in_place_of_an_answer_is_none(name: str) -> None:
    """An engine that nothing holds may call though it must answer: that is told, and is not shown as the answer."""
    call = CALL if name == "plain" else f"<tool_call>{CALL}</tool_call>"
    said, result = heard(name, [call], "never")
    assert (said, result.text, result.calls) == ([], "", ())
    assert [note.code for note in result.notes] == [NO_ANSWER]
    other = '{"name": "Ada", "arguments": {}}'
    said, result = heard("plain", [other], "never")
    assert "".join(said) == result.text == other


def test_a_model_without_a_template_is_refused() -> None:
    """It could not be told of the tools."""
    with pytest.raises(UsageError, match="no chat template"):
        speech_of(TOOLS, "may", ModelInfo("base", 512))
    assert speech_of((), "may", ModelInfo("base", 512)) is None
