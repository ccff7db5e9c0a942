"""The session with the real model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.chat.session import Session
from tests.chat.panel import Panel, notes_of, text_of

pytestmark = pytest.mark.model


@pytest.fixture
def variables() -> dict[str, Any]:
    return {}


@pytest.fixture
def session(variables: dict[str, Any]) -> Iterator[Session]:
    """The kernel's session, on SmolLM2."""
    llm = runtime.current().own = LocalLLM(model="smollm2-135m-instruct")
    made = runtime.current().chat = Session(lambda: llm, lambda: variables)
    yield made
    made.close()


def test_a_question_loads_the_model_and_is_answered(session: Session) -> None:
    """The panel sees the model loading, then loaded with its window and memory, and the tokens that were used."""
    panel = Panel(session)
    assert panel.welcome.model.state == "absent"
    assert "Tokyo" in text_of(panel.ended(panel.ask("What is the capital of Japan?")))
    state = panel.until(lambda m: m["type"] == "state" and m["model"]["used"] is not None)["model"]
    assert (state["state"], state["window"]) == ("loaded", 8192)
    assert state["memory_bytes"] > 90_000_000
    assert 30 < state["used"] < 100
    (told,) = [one for one in panel.value("models") if one["loaded"]]
    assert (told["name"], told["fits"]) == ("smollm2-135m-instruct", "yes")


def test_use_loads_it_and_unload_gives_it_back(session: Session) -> None:
    """With its progress in the queue's state, and both can be told apart."""
    panel = Panel(session)
    assert panel.value("use", model="smollm2-135m-instruct") is None
    panel.until(lambda m: m["type"] == "state" and m["model"]["state"] == "loaded")
    assert panel.value("unload") is None
    panel.until(lambda m: m is panel.told[-1] and m["type"] == "state" and m["model"]["state"] == "absent")


def test_stop_while_the_prompt_is_read(session: Session) -> None:
    """It ends as interrupted, before the prompt was read."""
    panel = Panel(session)
    panel.ended(panel.ask("Hi", options={"max_tokens": 1}))
    source = "".join(f"x{i} = {i * 7919 % 1000}\n" for i in range(500))
    cell = {"kind": "cell", "id": "c", "source": source, "outputs": ""}
    request = panel.ask("What is it?", "b", attachments=[cell], options={"max_tokens": 4})
    panel.until(lambda m: m["type"] == "state" and any(one["text"].startswith("reading") for one in m["queue"]))
    panel.say({"type": "stop", "request": request})
    last = panel.ended(request)
    assert (text_of(last), notes_of(last)) == ("", ["interrupted"])
    assert [listed.name for listed in Panel(session).welcome.conversations] == ["Chat"]


def test_two_conversations_are_answered_at_the_same_time(session: Session) -> None:
    """Both grow before one of them ends."""
    panel = Panel(session)
    panel.ended(panel.ask("Hi", options={"max_tokens": 1}))
    options = {"max_tokens": 120}
    one = panel.ask("Tell me a story about the sea.", "a", options=options)
    two = panel.ask("Tell me a story about a mountain.", "b", options=options)
    ends = [panel.ended(one), panel.ended(two)]
    first_end = min(panel.told.index(end) for end in ends)
    before = panel.told[:first_end]
    assert {m["request"] for m in before if m["type"] == "answer"} >= {one, two}


def test_a_fix_is_a_whole_cell(session: Session) -> None:
    """The answer is one code block, and the last message tells the cell."""
    panel = Panel(session)
    failure = {
        "kind": "error", "source": "import panda as pd\npd.DataFrame()",
        "traceback": "ModuleNotFoundError: No module named 'panda'", "variables": [],
    }  # fmt: skip
    last = panel.ended(panel.ask("", "a", attachments=[failure], task="fix", options={"max_tokens": 200}))
    assert last["fix"]
    compile(last["fix"], "<fix>", "exec")
    assert "import pandas as pd" in last["fix"]
    (turn,) = panel.value("open", conversation="a")["turns"]
    assert (turn["task"], turn["fix"]) == ("fix", last["fix"])


def test_an_answer_from_the_cache_needs_no_model(session: Session) -> None:
    """The same question in a new kernel is replayed; the panel sees that no model is loaded."""
    panel = Panel(session)
    first = panel.ended(panel.ask("What is the capital of Japan?"))
    panel.value("unload")
    second = panel.ended(panel.ask("What is the capital of Japan?", "other"))
    assert second["data"] == first["data"]
    assert second["metadata"]["jupyter_localllm"]["volatile"]["cached"] is True
    assert session._state().model.state == "absent"
