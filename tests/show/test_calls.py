"""Calls above an answer, in HTML, Markdown, plain text and JSON."""

from __future__ import annotations

import json

import pytest

from jupyter_localllm.conversation import Turn
from jupyter_localllm.show.bundle import ANSWER_MIME, bundle
from jupyter_localllm.show.calls import as_html, as_markdown, as_plain
from jupyter_localllm.show.view import View, fold, view_of
from jupyter_localllm.types import Called, Done, Result, Status, Token, ToolCall

DONE = ToolCall("price", '{"item": "tea"}', "12", "done")
HOSTILE = ToolCall("f", json.dumps({"x": "<img src=x onerror=a()>`\x1b[31m\n# b"}), "</code><script>`", "failed")


def test_calls_are_lines() -> None:
    """Each call with what came of it; of one that runs, nothing yet."""
    assert as_plain([DONE, ToolCall("now")]) == 'tool: price("tea") = 12\ntool: now()'


def test_nothing_of_a_call_becomes_markup() -> None:
    """Arguments are a model's words and outcomes a function's: both are shown as text, on one line."""
    html, markdown, plain = as_html([HOSTILE]), as_markdown([HOSTILE]), as_plain([HOSTILE])
    assert "<img" not in html
    assert "<script" not in html
    assert markdown.count("`") == 2
    assert "\x1b" not in html + markdown + plain
    assert len(markdown.splitlines()) == len(plain.splitlines()) == 1


def test_a_view_collects_calls() -> None:
    """They stand above the text while it grows, and are saved without what differs from run to run."""
    view = fold(fold(View(), Status("tool", "price"), 0), Called(DONE), 1)
    view = fold(view, Token("It is 12."), 2)
    assert view.calls == (DONE,)
    data, _ = bundle(view)
    assert data["text/html"].index("tool:") < data["text/html"].index("It is 12.")
    cached = ToolCall(DONE.name, DONE.json, DONE.outcome, "done", cached=True)
    ends = [fold(view, Done(Result("It is 12.", calls=(call,))), 3) for call in (DONE, cached)]
    assert bundle(ends[0])[0] == bundle(ends[1])[0]
    assert bundle(ends[0])[0][ANSWER_MIME]["calls"][0]["outcome"] == "12"


def test_answers_without_calls_are_as_they_were() -> None:
    """No empty list, no empty line."""
    data, _ = bundle(view_of(Result("Yes.")))
    assert "calls" not in data[ANSWER_MIME]
    assert "LocalLLM-calls" not in data["text/html"]
    assert data["text/plain"] == "Yes."


def test_a_saved_turn_shows_its_calls_again() -> None:
    """They are read from the JSON, checked, and rendered anew."""
    data, metadata = bundle(view_of(Result("It is 12.", calls=(DONE,))))
    forged = {**data, "text/html": "<script>"}
    again, _ = Turn("?", "It is 12.", saved=(forged, metadata)).output()
    assert "price(&quot;tea&quot;) = 12" in again["text/html"]
    forged[ANSWER_MIME] = {**data[ANSWER_MIME], "calls": [{"name": 3}]}
    assert "script" not in Turn("?", "It is 12.", saved=(forged, metadata)).output()[0]["text/html"]


def test_a_call_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each frame of an answer shows all calls: what they are does not change."""
    made: list[str] = []

    def noted(text: str) -> str:
        made.append(text)
        return text

    monkeypatch.setattr("jupyter_localllm.show.calls.one_line", noted)
    calls = [ToolCall("written_once", json.dumps({"n": n}), "6", "done") for n in range(16)]
    assert as_html(calls) == as_html(calls)
    assert as_plain(calls) == as_plain(calls)
    assert len(made) == 16
