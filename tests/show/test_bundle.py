"""`jupyter_localllm.show.bundle`."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from jupyter_localllm.errors import EngineError
from jupyter_localllm.show.bundle import ANSWER_MIME, bundle, speed, summary
from jupyter_localllm.show.view import View, failed, fold
from jupyter_localllm.types import Done, Result, Status, Timings, Token, Usage

from .hostile import MARKDOWN
from .samples import EVENTS, MODEL, RESULT, TEXT, note, result
from .test_html import Page

SCHEMA = json.loads((files("jupyter_localllm") / "show" / "answer.schema.json").read_text("utf-8"))


def final(what: Result = RESULT, **values: Any) -> View:
    return fold(View(**values), Done(what), 0.0)


def growing(count: int) -> View:
    view = View(model=MODEL)
    for number, event in enumerate(EVENTS[:count]):
        view = fold(view, event, number * 10.0)
    return view


VIEWS = {
    "nothing yet": View(),
    "loading": growing(1),
    "growing": growing(4),
    "thinking": View(reasoning="let me see"),
    "final": final(),
    "reasoned": final(result(reasoning="let me <b>see</b>")),
    "too long": final(result(finish_reason="length")),
    "noted": final(result(notes=(note("loop"), note("cache")))),
    "json": final(result('{"a": 1}'), format="json"),
    "not json": final(result("x"), format="json"),
    "text": final(format="text"),
    "code": final(format="code"),
    "stopped": failed(growing(4), KeyboardInterrupt()),
    "failed": failed(growing(4), EngineError("x")),
    "empty": final(Result("")),
    "surrogate": final(Result("half \ud800 of it", reasoning="\ud800", model="\ud800")),
}


@pytest.mark.parametrize("name", VIEWS)
def test_answer_follows_its_schema(name: str) -> None:
    """The JSON of our own type is what the published schema says, growing or final."""
    jsonschema.validate(bundle(VIEWS[name])[0][ANSWER_MIME], SCHEMA)


def test_schema_is_valid_and_can_refuse() -> None:
    """The schema itself is one, and it refuses what is not an answer."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    answer = bundle(final())[0][ANSWER_MIME]
    for wrong in ({"version": 2}, {"finish_reason": "tired"}, {"extra": 1}, {"usage": {"prompt_tokens": -1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**answer, **wrong}, SCHEMA)


def test_final_bundle() -> None:
    """All four types, each for its readers."""
    data, metadata = bundle(final())
    assert set(data) == {"text/html", "text/markdown", "text/plain", ANSWER_MIME}
    assert data["text/plain"] == TEXT
    assert data["text/markdown"] == TEXT
    assert "<strong>Paris</strong>" in data["text/html"]
    assert data[ANSWER_MIME] == {
        "version": 1,
        "text": TEXT,
        "reasoning": "",
        "format": "markdown",
        "finish_reason": "stop",
        "model": MODEL,
        "usage": {"prompt_tokens": 31, "completion_tokens": 9},
        "notes": [],
        "citations": [],
    }
    facts = metadata["jupyter_localllm"]
    assert facts["complete"] is True
    assert facts["model_sha256"] == "ab" * 32
    assert facts["sampling"] == {"temperature": 0.0, "seed": 1}
    assert facts["stop"] == ["###"]
    assert facts["sources"] == {"df": "ef" * 32}
    assert facts["volatile"]["cached"] is False
    assert facts["volatile"]["timings"]["tokens_per_second"] == 118.4
    assert facts["volatile"]["usage"]["cached_prompt_tokens"] == 5


def test_data_is_the_same_in_every_run() -> None:
    """Times, cache state and notes of the run stand in the volatile metadata and nowhere else."""
    slow = result(timings=Timings(ttft_ms=9.0), cached=True, usage=replace(RESULT.usage, cached_prompt_tokens=0))
    noted = replace(slow, notes=(note("cache"),))
    # Streamed in one case, replayed at once in the others.
    views = [fold(growing(5), Done(RESULT), 99.0), final(slow), final(noted)]
    datas, metadatas = zip(*map(bundle, views), strict=True)
    assert datas[0] == datas[1] == datas[2]
    for metadata in metadatas:
        metadata["jupyter_localllm"].pop("volatile")
    assert metadatas[0] == metadatas[1] == metadatas[2]


@pytest.mark.parametrize("name", VIEWS)
def test_bundles_can_be_saved(name: str) -> None:
    """Every bundle is JSON in UTF-8, and a valid output of a notebook."""
    data, metadata = bundle(VIEWS[name])
    json.dumps([data, metadata], ensure_ascii=False, allow_nan=False).encode()
    output = new_output("display_data", data=data, metadata=metadata)
    nbformat.validate(new_notebook(cells=[new_code_cell("x", outputs=[output])]))


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (growing(1), f"{MODEL} · loading 45 %"),
        (View(status=Status("waiting")), "waiting"),
        (View(status=Status("loading", "loading", 7.0)), "loading 100 %"),
        (growing(2), f"{MODEL} · 1 token"),
        (growing(4), f"{MODEL} · 3 tokens · 100 tokens/s"),
    ],
)
def test_a_line_says_what_goes_on(view: View, words: str) -> None:
    """While an answer comes, a line says which model writes and how fast."""
    html = bundle(view)[0]["text/html"]
    assert words in Page(html).text
    assert "jp-LocalLLM-status" in html


def test_growing_bundle_is_small() -> None:
    """Markdown for other front ends waits for the end, and the metadata says that there is no end yet."""
    data, metadata = bundle(growing(4))
    assert set(data) == {"text/html", "text/plain", ANSWER_MIME}
    assert data[ANSWER_MIME]["finish_reason"] is None
    assert metadata == {"jupyter_localllm": {"complete": False}}


def test_final_line_is_quiet() -> None:
    """In the end the line names model and tokens, and no speed."""
    text = Page(bundle(final())[0]["text/html"]).text
    assert f"{MODEL} · 9 tokens" in text
    assert "tokens/s" not in text


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("too long", "stopped at max_tokens (1,024): raise it for more"),
        ("noted", "this is loop"),
        ("stopped", "interrupted: incomplete"),
        ("failed", "EngineError: incomplete"),
        ("not json", "not valid JSON: shown as text"),
        ("empty", "the answer is empty"),
    ],
)
def test_marks_stand_in_every_type(name: str, mark: str) -> None:
    """What is wrong with an answer is said wherever it is read."""
    data, _ = bundle(VIEWS[name])
    assert f">{mark}</div>" in data["text/html"]
    assert data["text/plain"].endswith(f"[{mark}]")
    assert data["text/markdown"].endswith(f"*{mark}*")


def test_partial_answer_is_incomplete() -> None:
    """What came before an interrupt is kept, and marked for machines too."""
    data, metadata = bundle(VIEWS["stopped"])
    assert data["text/plain"].startswith("The capital of France is **Par")
    assert data[ANSWER_MIME]["finish_reason"] == "interrupted"
    assert metadata["jupyter_localllm"]["complete"] is False


def test_reasoning_is_folded() -> None:
    """Reasoning can be unfolded above the answer; it is open only while there is nothing else to see."""
    html = bundle(VIEWS["reasoned"])[0]["text/html"]
    assert html.index("<details") < html.index("jp-LocalLLM-text")
    assert "let me &lt;b&gt;see&lt;/b&gt;" in html
    assert " open" not in html
    assert " open>" in bundle(VIEWS["thinking"])[0]["text/html"]
    assert "see" not in bundle(VIEWS["reasoned"])[0]["text/markdown"]


def test_nothing_but_marked_math_is_typeset() -> None:
    """The element around the answer tells typesetters to keep out."""
    for view in VIEWS.values():
        assert bundle(view)[0]["text/html"].startswith('<div class="jp-LocalLLM-answer mathjax_ignore tex2jax_ignore">')


@pytest.mark.parametrize("name", sorted(MARKDOWN))
def test_hostile_text_anywhere(name: str) -> None:
    """Neither as reasoning nor as a model's name nor in a note does a hostile text become part of the page."""
    text = MARKDOWN[name]
    view = fold(View(), Token(text, "reasoning"), 0.0)
    view = replace(view, model=text, status=Status(text, text))
    noted = final(result(text, reasoning=text, model=text, notes=(replace(note("x"), text=text),)))
    for one in (view, noted, failed(view, KeyboardInterrupt())):
        data, _ = bundle(one)
        tags = {tag for tag, _ in Page(data["text/html"]).found}
        assert not tags & {"script", "img", "svg", "iframe", "object", "style", "link", "meta", "form", "video"}
        assert "\x1b" not in data["text/plain"]
        json.dumps(data, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (final(), f"llm {MODEL}: 9 tokens, 118 tokens/s: {TEXT}"),
        (final(result(cached=True)), f"llm {MODEL}: 9 tokens, cached: {TEXT}"),
        (final(result("a\n\nb\x1b[0m", timings=Timings())), f"llm {MODEL}: 9 tokens: a b"),
        (final(result(notes=(note("loop"),))), f"llm {MODEL}: 9 tokens, 118 tokens/s, this is loop: {TEXT}"),
        (final(Result("", usage=Usage(completion_tokens=1))), "llm: 1 token, the answer is empty"),
    ],
)
def test_summary(view: View, line: str) -> None:
    """A log gets one line that says it all."""
    assert summary(view) == line


def test_summary_of_a_long_answer() -> None:
    """However long the answer."""
    line = summary(final(result("word " * 1_000)))
    assert len(line) < 230
    assert line.endswith(" …")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.66, "9.7 tokens/s"), (99.94, "99.9 tokens/s"), (118.4, "118 tokens/s"), (1e4, "10,000 tokens/s")],
)
def test_speed(value: float, text: str) -> None:
    """Speeds have the digits they deserve."""
    assert speed(value) == text
