"""Ghost text: short, only when nobody needs the model, and on a model that is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.chat.completing import _Stale
from jupyter_localllm.chat.session import Session
from jupyter_localllm.prompt.completion import render_completion
from tests.chat.panel import Gate, Panel, text_of
from tests.tiny_models import write_tiny_llama

Make = Callable[..., Session]
CODE = {"before": "import pandas as pd\ndf = pd.", "after": "\n", "language": "python"}


def loaded(session: Session) -> Panel:
    runtime.current().own.load()
    return Panel(session)


def test_it_completes_what_stands_before(make: Make) -> None:
    """The model gets the text before the cursor, and few tokens to write."""
    panel = loaded(make("read_csv('a.csv')  \n\nmore"))
    assert panel.value("complete", **CODE) == {"text": "read_csv('a.csv')"}
    (job,) = runtime.current().own.engine.jobs
    assert job.prompt.messages[-1].content == CODE["before"]
    assert job.max_tokens < 100


def test_it_loads_nothing(make: Make) -> None:
    """Without a loaded model there is no text, and nothing is asked."""
    panel = Panel(make())
    assert panel.value("complete", **CODE) == {"text": ""}
    assert runtime.current().own.engine.jobs == []


def test_what_stands_behind_the_cursor_is_not_repeated(make: Make) -> None:
    """A completion that is there already is not shown."""
    panel = loaded(make("x + 1"))
    assert panel.value("complete", before="y = ", after="x + 1\n", language="python") == {"text": ""}


def test_it_does_not_begin_beside_a_question(make: Make) -> None:
    """While a question is answered or waits, there is no text."""
    gate = Gate()
    panel = loaded(make(gate))
    request = panel.ask("Well?")
    assert gate.asked.wait(10)
    assert panel.value("complete", **CODE) == {"text": ""}
    gate.go.set()
    panel.ended(request)
    assert len(runtime.current().own.engine.jobs) == 1


@pytest.mark.parametrize("newer", ["ask", "complete", "stop", "cell"])
def test_it_gives_way(make: Make, newer: str) -> None:
    """To a person's question, to a cell, to a newer completion, and to who does not want it any more."""
    begun = threading.Event()

    def script(job: Any) -> str:
        if job.prompt.messages[-1].content == CODE["before"]:
            begun.set()
            return "word " * 2_000
        return "Yes."

    session = make(script, delay_ms=10)
    panel = loaded(session)
    old = panel.request("complete", **CODE)
    assert begun.wait(10)
    if newer == "ask":
        assert text_of(panel.ended(panel.ask("Well?"))) == "Yes."
    elif newer == "complete":
        assert panel.value("complete", before="other = ", after="", language="python") == {"text": "Yes."}
    elif newer == "cell":
        list(session.of_a_cell(runtime.current().own.stream("Hi"), None))
    else:
        panel.say({"type": "stop", "request": old})
    assert panel.ended(old)["value"] == {"text": ""}


def test_a_panel_that_leaves_takes_its_completion_along(make: Make) -> None:
    """Nobody waits for it."""
    session = make("word " * 2_000, delay_ms=10)
    panel, other = loaded(session), Panel(session)
    panel.request("complete", **CODE)
    other.until(lambda m: m["type"] == "state" and any(one["kind"] == "complete" for one in m["queue"]))
    session.leave(panel)
    other.until(lambda m: m["type"] == "state" and not m["queue"] and m is other.told[-1])


def test_a_long_text_is_cut_to_the_window(make: Make) -> None:
    """The nearest text before the cursor stays."""
    panel = loaded(make("done", n_ctx=120))
    before = "".join(f"x{i} = {i}\n" for i in range(500))
    assert panel.value("complete", before=before, after="", language="python") == {"text": "done"}
    assert before.endswith(runtime.current().own.engine.jobs[0].prompt.messages[-1].content)


def test_fill_in_the_middle_where_the_vocabulary_has_it(tmp_path: Path) -> None:
    """The three tokens are the vocabulary's; look-alikes in the text stay text; the model writes."""
    ids = {
        "tokenizer.ggml.fim_pre_token_id": 3,
        "tokenizer.ggml.fim_suf_token_id": 4,
        "tokenizer.ggml.fim_mid_token_id": 1,
    }
    path = write_tiny_llama(tmp_path / "fim.gguf", metadata=ids)
    llm = LocalLLM(model=str(path))
    llm.load()
    assert llm.engine is not None
    info = llm.engine.info()
    assert info.details["fim"] == ("<think>", "</think>", "<|im_start|>")
    prompt = render_completion("a = <think>", "b", info)
    assert "".join(prompt.pieces) == "<think>a = <think></think>b<|im_start|>"
    plain = llm.engine.count(["a = <think>"])[0] + llm.engine.count(["b"])[0]
    assert llm.engine.count_prompt(prompt.pieces) == plain + 3
    runtime.current().own = llm
    session = Session(lambda: llm, dict)
    assert isinstance(Panel(session).value("complete", **CODE)["text"], str)
    session.close()


@pytest.mark.model
def test_the_real_model_continues_code() -> None:
    """Without such tokens the text before is continued."""
    llm = LocalLLM(model="smollm2-135m-instruct")
    llm.load()
    assert llm.engine is not None
    assert llm.engine.info().details["fim"] is None
    session = Session(lambda: llm, dict)
    panel = Panel(session)
    before = "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return a"
    assert "- b" in panel.value("complete", before=before, after="", language="python")["text"]
    session.close()


@pytest.mark.model
def test_a_newer_completion_does_not_find_the_older_one_in_its_way() -> None:
    """Who types on gets text for what stands there now, though the engine has just been stopped."""
    llm = LocalLLM(model="smollm2-135m-instruct")
    llm.load()
    session = Session(lambda: llm, dict)
    panel = Panel(session)
    before = "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return a"
    for end in range(len(before) - 12, len(before)):
        panel.request("complete", before=before[:end], after="", language="python")
    assert "- b" in panel.value("complete", before=before, after="", language="python")["text"]
    session.close()


def test_whoever_asks_the_engine_ends_it() -> None:
    """Also a cell's `llm.generate`, which no session knows of: the owner has more to do than the completion."""
    owner, go = runtime.current().owner, threading.Event()
    stale = _Stale(threading.Event(), 1)
    threads = [threading.Thread(target=lambda: owner.call(lambda ticket: go.wait(10))) for _ in range(2)]
    assert not stale.is_set()
    for thread in threads:
        thread.start()
    while owner.waiting < 2:
        pass
    assert stale.is_set()
    go.set()
    for thread in threads:
        thread.join()
    assert not stale.is_set()
