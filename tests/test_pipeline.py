"""One road: the cache first, then the engine; what ran once runs again."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import CacheMiss, ContextOverflow, EngineError
from jupyter_localllm.pipeline import Request, ask, plan
from jupyter_localllm.runtime import EngineModel
from jupyter_localllm.types import CacheMode, Done, Event, Message, Part, Result, Sampling, Status, Token

QUESTION = (Message.of("system", "Be brief."), Message("user", (Part("text", "Sum up "), Part("{{ df }}", "a, b"))))


class Unloadable(EngineModel):
    """A model whose engine must not be needed."""

    def engine(self) -> Generator[Status, None, Engine]:
        raise AssertionError("the engine was asked for")
        yield


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "cache")


def run(engine: ScriptedEngine, cache: AnswerCache, mode: CacheMode = "use", **changes: object) -> list[Event]:
    request = Request(**{"messages": QUESTION, "cache": mode, **changes})  # type: ignore[arg-type]
    return list(ask(request, EngineModel(engine), cache))


def result(events: list[Event]) -> Result:
    assert isinstance(events[-1], Done)
    return events[-1].result


def test_a_hit_replays_the_events_without_the_engine(cache: AnswerCache) -> None:
    """The second time the same tokens come, marked as cached, and the model is not touched."""
    engine = ScriptedEngine("It is a table of a and b.")
    first = run(engine, cache)
    second = list(ask(Request(QUESTION), Unloadable(engine), cache))
    tokens = [[e for e in events if isinstance(e, Token)] for events in (first, second)]
    assert tokens[0] == tokens[1]
    assert (result(first).cached, result(second).cached) == (False, True)
    assert result(first).text == result(second).text
    assert result(first).provenance == result(second).provenance
    assert len(engine.jobs) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"sampling": Sampling(temperature=0.5)},
        {"max_tokens": 7},
        {"stop": ("x",)},
        {"window": 2048},
        {"adapter_sha256": "0" * 64},
        {"messages": (QUESTION[0], Message("user", (Part("text", "Sum up "), Part("{{ df }}", "a, c"))))},
        {"messages": QUESTION[1:]},
    ],
)
def test_whatever_changes_the_answer_changes_the_key(cache: AnswerCache, change: dict[str, object]) -> None:
    """Another value, option, window, adapter or system message is another question."""
    engine = ScriptedEngine("Yes.")
    run(engine, cache)
    run(engine, cache, **change)
    assert len(engine.jobs) == 2


def test_modes(cache: AnswerCache) -> None:
    """off neither reads nor writes, refresh writes anew, require never asks."""
    engine = ScriptedEngine(["One.", "Two.", "Three."])
    assert result(run(engine, cache, "off")).text == "One."
    with pytest.raises(CacheMiss):
        run(engine, cache, "require")
    assert result(run(engine, cache, "refresh")).text == "Two."
    assert result(run(engine, cache, "use")).text == "Two."
    assert result(run(engine, cache, "refresh")).text == "Three."
    assert result(run(engine, cache, "require")).text == "Three."


def test_a_required_miss_says_what_changed(cache: AnswerCache) -> None:
    """The error names the value that is another one since the nearest entry."""
    engine = ScriptedEngine("Yes.")
    run(engine, cache)
    changed = (QUESTION[0], Message("user", (Part("text", "Sum up "), Part("{{ df }}", "a, CHANGED"))))
    with pytest.raises(CacheMiss, match=r"\{\{ df \}\}"):
        run(engine, cache, "require", messages=changed)
    with pytest.raises(CacheMiss, match="temperature"):
        run(engine, cache, "require", sampling=Sampling(temperature=0.7))


def test_a_cancelled_answer_is_not_kept(cache: AnswerCache) -> None:
    """Closing the stream caches nothing."""
    engine = ScriptedEngine("One two three four five.", delay_ms=1)
    stream = ask(Request(QUESTION), EngineModel(engine), cache)
    while not isinstance(next(stream), Token):
        pass
    stream.close()
    assert cache.stats().entries == 0


def test_an_error_is_not_kept(cache: AnswerCache) -> None:
    """A failed answer is asked again."""
    engine = ScriptedEngine([EngineError("broken"), "Fine."])
    with pytest.raises(EngineError, match="broken"):
        run(engine, cache)
    assert result(run(engine, cache)).text == "Fine."


def test_notes_say_length_and_loops(cache: AnswerCache) -> None:
    """An answer that was cut, and one that goes in circles, are said to be, also when replayed."""
    engine = ScriptedEngine("The sky is blue today. " * 30)
    for _ in range(2):
        notes = {note.code: note.text for note in result(run(engine, cache, max_tokens=60)).notes}
        assert set(notes) == {"length", "loop"}
        assert "60" in notes["length"]


def test_left_out_turns_are_said(cache: AnswerCache) -> None:
    """A conversation that outgrows the window says which turns it leaves out."""
    history = tuple(
        Message.of(role, "word " * 40, turn=n)  # type: ignore[arg-type]
        for n in (1, 2, 3)
        for role in ("user", "assistant")
    )
    engine = ScriptedEngine("Yes.", n_ctx=200)
    got = result(run(engine, cache, messages=(*history, Message.of("user", "So?")), max_tokens=50))
    assert "turns 1 to 2" in got.notes[0].text
    assert len(engine.jobs[0].prompt.messages) == 3


def test_a_prompt_that_does_not_fit_is_refused_with_its_parts(cache: AnswerCache) -> None:
    """Nothing is cut in silence."""
    big = (Message("user", (Part("text", "Sum up "), Part("{{ df }}", "cell " * 500, "100 rows x 5 columns"))),)
    with pytest.raises(ContextOverflow, match="100 rows x 5 columns"):
        run(ScriptedEngine("Yes.", n_ctx=200), cache, messages=big)


def test_provenance_is_enough_to_ask_again(cache: AnswerCache) -> None:
    """Model, sampling, limits, prompt and values are told."""
    told = result(
        run(ScriptedEngine("Yes.", name="tiny"), cache, sampling=Sampling(temperature=0.5, seed=3))
    ).provenance
    assert told.model == "tiny"
    assert told.sampling["seed"] == 3
    assert list(told.sources) == ["{{ df }}"]
    assert len(told.prompt_sha256) == len(told.key) == len(told.model_sha256) == 64
    assert "jupyter_localllm" in told.versions


def test_timings_count_from_the_request(cache: AnswerCache) -> None:
    """Loading is part of the time to the first token, and told apart."""
    timings = result(run(ScriptedEngine("Yes, well."), cache)).timings
    assert 0 < timings.load_ms < timings.ttft_ms <= timings.latency_ms


def test_a_plan_generates_nothing(cache: AnswerCache) -> None:
    """A dry run tells the tokens of each part and asks nobody."""
    engine = ScriptedEngine("Yes.")
    stream = plan(Request(QUESTION), EngineModel(engine), cache)
    while True:
        try:
            next(stream)
        except StopIteration as stop:
            got = stop.value
            break
    assert [(p.label, p.tokens) for p in got.parts] == [
        ("system", 2), ("text", 3), ("{{ df }}", 2), ("chat template", 0),
    ]  # fmt: skip
    assert engine.jobs == []
    assert cache.stats().misses == 0
