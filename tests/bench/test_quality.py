"""The fixed questions: rules judge, right answers are right, wrong ones are wrong."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.bench import quality
from jupyter_localllm.bench.quality import KINDS, assess, questions, right_cited, right_fields, right_words
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import AnswerCut, DependencyMissing, EngineError
from jupyter_localllm.types import Job, Status

RIGHT = {
    "What is the capital of Japan? Answer with one word.": ("Tokyo.", "The capital of Japan is Tokyo."),
    "Say only the word yes.": ("Yes.", "Yes, of course."),
    "What is 7 plus 5? Answer with the number only.": ("12", "7 + 5 = 12"),
    "Name three colours, each on a line of its own that begins with a dash. Write nothing else.": (
        "- red\n- green\n- blue\n",
        "Here are three:\n- red\n- green\n- blue",
    ),
    "Write the word river in capital letters and nothing else.": ("RIVER", "River"),
    "Write one sentence about the sea that ends with a question mark.": ("Who knows the sea?", "The sea is deep."),
    "Describe a dog in one sentence of at most ten words.": ("A dog is a loyal, four-legged friend.", "A dog " * 6),
    "Answer in French with one sentence: how are you?": ("Je vais bien, merci.", "I am fine, merci."),
    "Repeat exactly, and write nothing else: blue 17 kite": ("blue 17 kite", "Sure: blue 17 kite"),
    "List the numbers from 1 to 5 with commas between them and write nothing else.": ("1, 2, 3, 4, 5", "1 2 3 4 5"),
}


def test_each_instruction_can_be_kept_and_broken() -> None:
    """For every instruction of the set, one answer that keeps it and one that does not."""
    items = {item["prompt"]: item for item in questions()["instructions"]["items"]}
    assert items.keys() == RIGHT.keys()
    assert {prompt for prompt, (good, _) in RIGHT.items() if not right_words(good, items[prompt])} == set()
    assert {prompt for prompt, (_, bad) in RIGHT.items() if right_words(bad, items[prompt])} == set()


def test_the_set_is_sound() -> None:
    """What is right stands in the sources and texts, so that every question has its answer."""
    data = questions()
    sources = " ".join(data["cited"]["sources"].values())
    assert all(part in sources for item in data["cited"]["items"] for part in item.get("right", ()))
    for item in data["extraction"]["items"]:
        assert set(item["right"]) == set(item["schema"]["properties"]) == set(item["schema"]["required"])
    for item in data["instructions"]["items"]:
        assert all(re.compile(pattern) for pattern in (*item["must"], *item.get("must_not", ())))


@pytest.mark.parametrize(
    ("text", "statuses", "abstained", "item", "right"),
    [
        ("It is 240 metres [1].", ["supported"], False, {"right": ["240"]}, True),
        ("It is 240 metres [1].", ["unsupported"], False, {"right": ["240"]}, False),
        ("It is 240 metres.", [], False, {"right": ["240"]}, False),
        ("It is 250 metres [1].", ["supported"], False, {"right": ["240"]}, False),
        ("Not in the sources.", [], True, {"right": ["240"]}, False),
        ("Not in the sources.", [], True, {"abstain": True}, True),
        ("There are 3 [1].", ["supported"], False, {"abstain": True}, False),
    ],
)
def test_cited(text: str, statuses: list[str], abstained: bool, item: dict[str, Any], right: bool) -> None:
    """Said, marked, and carried by the source; or rightly not answered."""
    citations = [SimpleNamespace(status=status) for status in statuses]
    answer = SimpleNamespace(text=text, citations=citations, abstained=abstained)
    assert right_cited(answer, item) is right


def test_fields() -> None:
    """Booleans are no numbers, alternatives count, and what is no object has no field."""
    assert right_fields({"a": 1, "b": "X "}, {"a": True, "b": ["y", "x"]}) == 1.0
    assert right_fields(None, {"a": 1}) == 0.0
    assert right_fields({}, {"a": None}) == 0.0


def answers(job: Job) -> str:
    """What a perfect model says."""
    asked = job.prompt.messages[-1].content
    if asked in RIGHT:
        return RIGHT[asked][0]
    for item in questions()["extraction"]["items"]:
        if item["text"] in asked:
            return json.dumps({k: v[0] if isinstance(v, list) else v for k, v in item["right"].items()})
    return "I do not know."


def test_a_perfect_model_and_a_poor_one() -> None:
    """All that depends on the model alone is right for one and wrong for the other; each answer can be looked at."""
    told: list[str] = []
    perfect = assess(jl.LocalLLM.from_engine(ScriptedEngine(answers)), told.append)
    assert perfect.scores.keys() == set(KINDS)
    for kind in ("extraction", "instructions"):
        assert perfect.scores[kind][0] == perfect.scores[kind][1] > 5
    assert perfect.scores["cited"][0] >= 6  # the sources' own words answer, whatever the model says
    assert len(perfect.answers) == len(told) == sum(len(questions()[kind]["items"]) for kind in KINDS)
    poor = assess(jl.LocalLLM.from_engine(ScriptedEngine("{}", name="poor")), told.append)
    assert poor.scores["instructions"][0] == poor.scores["extraction"][0] == 0.0


def test_answers_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut answer is wrong and told; a missing package leaves its kind out; a broken engine is an error."""

    class Subject:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def extract(self, *_args: Any, **_options: Any) -> Any:
            raise self.error

        def ask(self, *_args: Any, **_options: Any) -> Any:
            return SimpleNamespace(text="x", citations=(), abstained=False)

        def generate(self, *_args: Any, **_options: Any) -> Any:
            return SimpleNamespace(text="x")

    cut = assess(Subject(AnswerCut("cut off")), print)
    assert cut.scores["extraction"] == (0.0, 17)
    assert any(answer["answer"] == "AnswerCut: cut off" for answer in cut.answers)
    lacking = assess(Subject(DependencyMissing("llguidance is missing", "Run: pip")), print)
    assert lacking.scores.keys() == {"cited", "instructions"}
    assert lacking.notes == ("quality without extraction: llguidance is missing. Run: pip",)
    with pytest.raises(EngineError):
        assess(Subject(EngineError("broken")), print)
    assert tuple(questions()) == quality.KINDS


@pytest.mark.model
def test_the_real_model_in_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One question of each kind, by the way of `%llm bench --quality`: asked, judged, and shown beside the speed."""
    whole = questions()
    small = {kind: {**whole[kind], "items": whole[kind]["items"][:1]} for kind in KINDS}
    monkeypatch.setattr(quality, "questions", lambda: small)
    told: list[Status] = []
    monkeypatch.setattr(runtime.current(), "bar", lambda: nullcontext(told.append))
    llm = jl.LocalLLM(n_ctx=1024, n_threads=1, n_gpu_layers=0, calibrate=False)
    result = llm.benchmark(n=1, warmup=0, max_tokens=4, prompts=["Tell me about Japan."], quality=True)
    (row,) = result.rows
    assert (row.error, len(row.answers)) == ("", 3)
    assert row.quality is not None
    assert {kind: asked for kind, (_right, asked) in row.quality.items()} == {
        "cited": 1,
        "extraction": len(small["extraction"]["items"][0]["right"]),
        "instructions": 1,
    }
    assert row.quality["cited"] == (1.0, 1)  # the sources answer, and the mark is held to them
    assert all(answer["answer"] for answer in row.answers)
    assert row.tokens_per_second
    assert "- cited" in str(result)
    fractions = [status.fraction for status in told if status.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
