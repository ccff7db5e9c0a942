"""Answers and prompts that are whole, what names a model, embedding models, and where Ollama is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.cache.transfer import export, import_
from jupyter_localllm.engine.backends import BackendSettings, Target
from jupyter_localllm.engine.ollama import backend
from jupyter_localllm.engine.ollama.backend import OllamaBackend
from jupyter_localllm.engine.served import engine
from jupyter_localllm.errors import (
    ContextOverflow,
    EngineError,
    UsageError,
)
from tests.engine.served.asking import Make, asked, told
from tests.engine.served.server import Asked

CHAT = "/api/chat"


def test_an_embedding_model(fake: Any, handle: Make) -> None:
    """It embeds, and does not chat; a model that chats does not embed."""
    rows = handle("embed").embed(["abcd", "b"])
    assert rows[0].tolist() == pytest.approx([0.8, 0.6])
    assert asked(fake.speaker, "/api/embed")["truncate"] is False
    assert "is an embedding model: it cannot answer" in told(handle("embed")).message
    with pytest.raises(EngineError, match="does not support embeddings"):
        handle().embed(["a"])


def test_identity_is_the_digest(fake: Any, handle: Make) -> None:
    """The same content under another tag is the same model; a tag that was pulled anew is another one."""
    assert not handle().generate("hello?").cached
    assert handle().generate("hello?").cached
    fake.tags["other:latest"], fake.digests["other:latest"] = fake.tags["tiny:1b"], fake.digests["tiny:1b"]
    assert handle("other").generate("hello?").cached
    fake.digests["tiny:1b"] = "sha256:" + "f" * 64
    assert not handle().generate("hello?").cached


def test_replayed_without_the_server(fake: Any, handle: Make) -> None:
    """The digest is remembered: what is in the cache needs no server."""
    assert handle().generate("hello?").text
    for path in list(fake.speaker.routes):
        fake.speaker.routes[path] = lambda _: (500, {"error": "gone"})
    assert handle().generate("hello?", cache="require").cached
    assert "gone" in told(handle("thinker")).message


def test_the_digest_is_kept_for_a_moment(fake: Any, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replays that follow each other ask for it once."""
    monkeypatch.setattr(backend, "_KEPT_SECONDS", 1000.0)
    handle().generate("hello?")
    count = len(fake.speaker.asked)
    assert all(handle().generate("hello?").cached for _ in range(3))
    assert len(fake.speaker.asked) == count


def test_a_server_that_is_away_is_asked_once(fake: Any, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replays do not wait for it again; and as soon as an answer needs it, what it tells counts again."""
    answers = [handle().generate(f"hello {i}?").text for i in range(3)]
    routes = dict(fake.speaker.routes)
    for path in routes:
        fake.speaker.routes[path] = lambda _: (500, {"error": "gone"})
    count = len(fake.speaker.asked)
    assert [handle().generate(f"hello {i}?").text for i in range(3)] == answers
    assert len(fake.speaker.asked) == count + 1
    fake.speaker.routes.update(routes)
    fake.digests["tiny:1b"] = "sha256:" + "e" * 64
    monkeypatch.setattr(engine, "_TRUSTED_SECONDS", 0.0)
    other = handle().generate("hello 3?")
    assert [note.code for note in other.notes] == ["changed"]  # it was asked for under the name of another one
    assert not handle().generate("hello 0?").cached


def test_the_digest_is_remembered_from_kernel_to_kernel(fake: Any, handle: Make) -> None:
    """A backend that never asked knows it from the cache's memory, also as a part of a router."""
    handle().generate("hello?")
    for path in list(fake.speaker.routes):
        fake.speaker.routes[path] = lambda _: (500, {"error": "gone"})
    llm = handle()
    target, model = llm._target(llm.model), llm._model()
    assert target is not None
    told = OllamaBackend().identity(target, model._home)  # type: ignore[attr-defined]
    assert told == fake.digests["tiny:1b"]
    with pytest.raises(EngineError, match="gone"):
        OllamaBackend().identity(replace(target, name="thinker"), model._home)  # type: ignore[attr-defined]


def test_a_router_is_replayed_where_none_of_its_models_is(fake: Any, handle: Make, tmp_path: Path) -> None:
    """From a cache that came in a file; where nothing is remembered either, it is told what is wrong with each."""
    name = f"router:ollama:tiny:1b@{fake.speaker.url}|ollama:thinker@{fake.speaker.url}"
    with closing(LocalLLM(model=name, cache_dir=str(tmp_path / "here"))) as llm:
        first = llm.generate("hello?")
        export(llm.answers, tmp_path / "answers.jsonl")
    for path in list(fake.speaker.routes):
        fake.speaker.routes[path] = lambda _: (500, {"error": "gone"})
    with closing(LocalLLM(model=name, cache_dir=str(tmp_path / "there"))) as llm:
        with pytest.raises(EngineError, match=r"none of router:.* can answer: ollama:tiny:1b@.*gone; ollama:think"):
            llm.generate("hello?", cache="require")
        import_(llm.answers, tmp_path / "answers.jsonl")
        again = llm.generate("hello?", cache="require")
    assert (again.cached, again.text, again.provenance.answered_by) == (
        True,
        first.text,
        name[7:].split("|", maxsplit=1)[0],
    )


def test_the_cloud_is_elsewhere() -> None:
    """What a name says of where the model runs is known without asking."""
    allowed = BackendSettings(allow_remote=True)
    assert OllamaBackend().remote(Target("ollama", "big:cloud", allowed)) == ("https://ollama.com",)
    assert OllamaBackend().remote(Target("ollama", "big:cloud")) == ()
    assert OllamaBackend().remote(Target("ollama", "small", allowed)) == ()


def test_an_embedding_model_is_let_go(fake: Any, handle: Make) -> None:
    """Also a model that only embeds leaves the server's memory."""
    llm = handle("embed")
    llm.embed(["a"])
    fake.resident["embed:latest"] = 512
    llm.unload()
    assert asked(fake.speaker, "/api/generate")["keep_alive"] == 0


def test_many_texts_are_embedded_in_parts(fake: Any, handle: Make) -> None:
    """No request has more than 64 texts, and all come back in their order."""
    rows = handle("embed").embed(["x" * (n + 1) for n in range(130)])
    assert [len(body["input"]) for body in fake.speaker.bodies("/api/embed")] == [64, 64, 2]
    assert rows[129][0] / rows[129][1] == pytest.approx(130 / 3)


def ending(**last: Any) -> Callable[[Asked], Iterator[bytes]]:
    def route(_: Asked) -> Iterator[bytes]:
        end = {"message": {"role": "assistant", "content": ""}, "done": True, **last}
        yield b'{"message": {"role": "assistant", "content": "One"}, "done": false}\n'
        yield json.dumps(end).encode() + b"\n"

    return route


def test_an_answer_that_is_not_whole(fake: Any, handle: Make) -> None:
    """An end for a reason that is none of the model's is an error with the word; no reason at all is an old server."""
    fake.speaker.routes["/api/chat"] = ending(done_reason="load")
    assert "ended its answer before it was whole: load" in told(handle()).message
    fake.speaker.routes["/api/chat"] = ending()
    assert handle().generate("Well?").text == "One"


def test_a_prompt_is_not_cut_off(fake: Any, handle: Make) -> None:
    """The server is told to refuse what does not fit; one that read a part of it is an error."""
    handle().generate("hello?")
    assert [asked(fake.speaker, CHAT)[name] for name in ("truncate", "shift")] == [False, False]
    fake.speaker.routes["/api/chat"] = ending(done_reason="stop", prompt_eval_count=2048, eval_count=1)
    error = told(handle())
    assert isinstance(error, ContextOverflow)
    assert "2,048 tokens" in error.message


def test_figures_are_not_taken_for_words(fake: Any, handle: Make) -> None:
    """Tokenizers take each digit for itself: a prompt of figures that would be cut off is refused before it is sent."""
    count = len(fake.speaker.asked)
    with pytest.raises(ContextOverflow):
        handle().generate("Add: " + " ".join(["31415926"] * 240), max_tokens=100)
    assert not [one for one in fake.speaker.asked[count:] if one.path == "/api/chat"]


@pytest.mark.parametrize(
    ("name", "endpoint", "host", "url"),
    [
        ("m", "", "", "http://127.0.0.1:11434"),
        ("m", "", "0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("m", "", ":1234", "http://127.0.0.1:1234"),
        ("m", "http://localhost:5/", "0.0.0.0", "http://localhost:5"),
        ("m@http://localhost:6", "http://localhost:5", "", "http://localhost:6"),
    ],
)
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, name: str, endpoint: str, host: str, url: str) -> None:
    """In the name, in the setting, in Ollama's variable (also as its server has it), or where it always is."""
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert OllamaBackend().check(Target("ollama", name, BackendSettings(endpoint=endpoint))) == f"m on Ollama at {url}"


def test_elsewhere_needs_leave(monkeypatch: pytest.MonkeyPatch, handle: Make) -> None:
    """An address on another machine is refused before anything is sent, also where a variable names it."""
    monkeypatch.setenv("OLLAMA_HOST", "10.255.255.1")
    error = told(handle(endpoint=""))
    assert isinstance(error, UsageError)
    assert "http://10.255.255.1:11434 is not on this machine" in error.message
    assert "allow_remote" in error.hint
