"""The scripted engine keeps the contract of all engines."""

from __future__ import annotations

import pytest

from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.types import Done, Job, Message, Prompt
from tests.contracts import EngineContract

STORY = "Once upon a time " * 200


class TestScripted(EngineContract):
    answers_ahead = True

    @pytest.fixture
    def engine(self) -> ScriptedEngine:
        return ScriptedEngine(
            {"capital": "The capital of Japan is Tokyo.", "hello": "Hello to you.", "story": STORY, "else": STORY},
            delay_ms=1,
        )


def ask(engine: ScriptedEngine, text: str) -> str:
    *_, done = engine.generate(Job(Prompt((Message.of("user", text),)), max_tokens=50))
    assert isinstance(done, Done)
    return done.result.text


def test_scripts_of_every_kind() -> None:
    """A text, answers in turn, a mapping and a function all say what they were told to."""
    assert ask(ScriptedEngine("Yes."), "?") == "Yes."
    turns = ScriptedEngine(["One.", "Two."])
    assert [ask(turns, "?") for _ in range(3)] == ["One.", "Two.", "Two."]
    assert ask(ScriptedEngine(lambda job: job.prompt.messages[-1].content.upper()), "loud") == "LOUD"


def test_a_scripted_error_is_raised() -> None:
    """An exception in the script reaches whoever asked, and the next request works."""
    engine = ScriptedEngine([ValueError("no"), "Yes."])
    with pytest.raises(Exception, match="ValueError: no"):
        ask(engine, "?")
    assert ask(engine, "?") == "Yes."


def test_reasoning_is_split_off() -> None:
    """A scripted think block lands in the reasoning channel."""
    *_, done = ScriptedEngine("<think>Hm, hm.</think>\n\nForty-two.").generate(Job(Prompt((Message.of("user", "?"),))))
    assert isinstance(done, Done)
    assert (done.result.text, done.result.reasoning) == ("Forty-two.", "Hm, hm.")


def test_remembers_its_jobs() -> None:
    """Tests can look at what was asked."""
    engine = ScriptedEngine("Yes.")
    ask(engine, "Really?")
    assert engine.jobs[0].prompt.messages[-1].content == "Really?"
