"""Answers as Python objects: `extract`, `schema=`."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import json
from typing import Annotated, Any, Literal

import pydantic
import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import AnswerCut, ContextOverflow, SchemaMismatch, UsageError
from jupyter_localllm.types import Done, Job, Status


@dataclasses.dataclass
class City:
    """A city."""

    name: Annotated[str, "as its people write it"]
    country: str


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Part(pydantic.BaseModel):
    share: int = pydantic.Field(ge=0)

    @pydantic.field_validator("share")
    @classmethod
    def _even(cls, share: int) -> int:
        if share % 2:
            raise ValueError("shares are even")
        return share


LISBON = '{"name": "Lisboa", "country": "Portugal"}'


def scripted(script: Any, **settings: Any) -> jl.LocalLLM:
    return jl.LocalLLM.from_engine(ScriptedEngine(script), **settings)


def jobs(llm: jl.LocalLLM) -> list[Job]:
    assert isinstance(llm.engine, ScriptedEngine)
    return llm.engine.jobs


def test_extract_gives_the_object() -> None:
    """The validated Python object comes back; `aextract` and `generate` give the same one."""
    llm = scripted(LISBON)
    city = City("Lisboa", "Portugal")
    assert llm.extract(City, "Which city?") == city
    assert asyncio.run(llm.aextract(City, "Which city?")) == city
    result = llm.generate("Which city?", schema=City)
    assert (result.value, result.text) == (city, LISBON)


def test_an_answer_from_the_cache_has_its_value() -> None:
    """A replay makes the object anew: it is not stored, and needs no model."""
    llm = scripted([LISBON, RuntimeError("asked again")])
    assert llm.generate("Which city?", schema=City).cached is False
    again = llm.generate("Which city?", schema=City)
    assert (again.cached, again.value) == (True, City("Lisboa", "Portugal"))


def test_an_answer_without_a_schema_has_no_value() -> None:
    """Plain answers stay what they were."""
    assert scripted("Lisbon").generate("Which city?").value is None


def test_a_wrong_answer_is_told_and_asked_again() -> None:
    """A model that is held to nothing hears what is wrong, and what it wrote stands before it."""
    llm = scripted(["Lisbon!", LISBON])
    events = list(llm.stream("Which city?", schema=City))
    assert isinstance(events[-1], Done)
    result = events[-1].result
    assert result.value == City("Lisboa", "Portugal")
    assert [event.stage for event in events if isinstance(event, Status)][-1] == "retry"
    assert "retried" in [note.code for note in result.notes]
    *_, wrote, told = jobs(llm)[1].prompt.messages
    assert (wrote.role, wrote.content) == ("assistant", "Lisbon!")
    assert "no JSON" in told.content


def test_it_is_asked_again_twice_at_most() -> None:
    """Then the error of the last answer is raised, with its text and its problems."""
    llm = scripted(["Lisbon!", "{}", '{"name": "Lisboa"}', LISBON])
    with pytest.raises(SchemaMismatch, match="'country' is missing") as caught:
        llm.extract(City, "Which city?")
    assert len(jobs(llm)) == 3
    assert caught.value.text == '{"name": "Lisboa"}'
    assert caught.value.problems == ("#: 'country' is missing",)


def test_what_a_validator_says_is_told() -> None:
    """A model's own validator is more than a schema can hold; its words go back to the model."""
    llm = scripted(['{"share": 3}', '{"share": 4}'])
    assert llm.extract(Part, "How much?") == Part(share=4)
    assert "shares are even" in jobs(llm)[1].prompt.messages[-1].content


def test_corrections_are_replayed() -> None:
    """The second run goes the same way through the cache."""
    llm = scripted(["Lisbon!", LISBON, RuntimeError("asked again")])
    first = llm.generate("Which city?", schema=City)
    again = llm.generate("Which city?", schema=City)
    assert again.value == first.value
    assert len(jobs(llm)) == 2


def test_a_full_window_tells_what_was_wrong() -> None:
    """Where the correction has no room, the error is that of the answer."""
    llm = scripted(lambda job: " ".join(["no"] * 150), cache="off", max_tokens=200)
    assert isinstance(llm.engine, ScriptedEngine)
    llm.engine._n_ctx = 300
    with pytest.raises(SchemaMismatch, match="no JSON"):
        llm.extract(City, "Which city?")
    with pytest.raises(ContextOverflow):
        llm.extract(City, "Which city? " * 200)


def test_an_answer_cut_off_is_an_error() -> None:
    """A part is never returned as the whole, even if it can be read; the error has the part."""
    llm = scripted("12 34 56")
    with pytest.raises(AnswerCut, match="stopped at 2 tokens") as caught:
        llm.extract(int, "How many?", max_tokens=2)
    assert caught.value.text == "12 34"
    assert len(jobs(llm)) == 1
    with pytest.raises(AnswerCut):
        llm.generate("How many?", schema=int, max_tokens=1)


def test_without_a_hold_the_form_is_told() -> None:
    """An engine that holds answers to nothing is told the whole form, before the question."""
    llm = scripted(LISBON)
    llm.extract(City, "Which city?")
    system, question = jobs(llm)[0].prompt.messages
    schema = json.loads(system.content.partition("nothing else:\n")[2])
    assert schema["required"] == ["name", "country"]
    assert question.content == "Which city?"
    llm.extract(City, "Which city?", system="")
    assert jobs(llm)[1].prompt.messages[0].role == "system"


@pytest.mark.parametrize(
    ("schema", "answer", "value", "words"),
    [
        (Mood, "bad", Mood.BAD, 'one of these and nothing else: "bad", "good"'),
        (Literal["a", "b"], '"b"', "b", '"a", "b"'),
        (int, "7", 7, '{"type": "integer"}'),
    ],
)
def test_every_form_is_told_in_words(schema: Any, answer: str, value: Any, words: str) -> None:
    """Choices and plain types, too."""
    llm = scripted(answer)
    assert llm.extract(schema, "Which?") == value
    assert words in jobs(llm)[0].prompt.messages[0].content


class Holding(ScriptedEngine):
    """Says that it holds everything."""

    def holds(self, constraint: object) -> bool:
        return True


def test_a_held_form_tells_its_descriptions_only() -> None:
    """Where tokens are masked, the model is told what the type says of its parts, and nothing if it says nothing."""
    engine = Holding(LISBON)
    llm = jl.LocalLLM.from_engine(engine)
    llm.extract(City, "Which city?")
    assert (
        engine.jobs[0]
        .prompt.messages[0]
        .content.endswith("About the parts of the answer:\n- the answer: A city.\n- name: as its people write it")
    )
    llm.extract(dict[str, str], "Which city?")
    assert engine.jobs[1].prompt.messages[0].content == "You are a helpful assistant."
    assert engine.jobs[1].constraint is not None


def test_the_plan_shows_what_is_told() -> None:
    """A dry run has the words in its messages, as the model gets them."""
    plan = scripted(LISBON).plan("Which city?", schema=City)
    assert "as its people write it" in plan.fitted.prompt.messages[0].content


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"schema": None}, "no schema"),
        ({"schema": {"type": "integer", "minimum": 3, "maximum": 2}}, "no answer can fulfil (at #)"),
        ({"schema": {"properties": {"a": {"minLenght": 3}}}}, "#/properties/a"),
        ({"schema": int, "constraint": "x"}, "exclude each other"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(options: dict[str, Any], word: str) -> None:
    """A schema that cannot be held is refused, with keyword and place, and the model is not asked."""
    llm = scripted(LISBON)
    schema = options.pop("schema")
    with pytest.raises(UsageError) as caught:
        llm.extract(schema, "Which?", **options)
    assert word in str(caught.value)
    assert jobs(llm) == []


def test_a_conversation_keeps_the_last_answer_only() -> None:
    """Corrections are no turns of the conversation."""
    llm = scripted(["Lisbon!", LISBON, "Portuguese."])
    llm.extract(City, "Which city?", chat="trip")
    llm.generate("And the language?", chat="trip")
    contents = [message.content for message in jobs(llm)[-1].prompt.messages]
    assert contents == ["You are a helpful assistant.", "Which city?", LISBON, "And the language?"]


def test_a_coarser_kv_cache_gives_answers_of_its_own() -> None:
    """Two handles that differ in `kv_cache_type` do not answer from each other's cache."""
    assert scripted("one").generate("Which?").text == "one"
    assert scripted("two").generate("Which?").cached
    assert scripted("two", kv_cache_type="q8_0").generate("Which?").text == "two"
