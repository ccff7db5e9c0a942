"""What can go wrong with a server is an error of ours that says what to do."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.openai.reply import Reply
from jupyter_localllm.engine.served import bounded
from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.trouble import CONNECT_SECONDS
from jupyter_localllm.engine.served.wire import Piece
from jupyter_localllm.errors import (
    ContextOverflow,
    DependencyMissing,
    EngineError,
    ModelNotFound,
)
from jupyter_localllm.types import Token, Usage
from tests.engine.openai.speaker import DONE, Scripted, delta, event
from tests.engine.served.asking import Make, told
from tests.engine.served.engines import openai_engine
from tests.engine.served.server import NOTHING, Asked, Speaker, refusing, speaking

CHAT = "/v1/chat/completions"


def test_no_server(handle: Make) -> None:
    """Its address, and how to start one; a connection is waited for less than two seconds."""
    assert CONNECT_SECONDS < 2
    with refusing() as url:
        error = told(handle(endpoint=f"{url}/v1"))
        assert error.message == f"there is no server at {url}/v1"
        assert f"llama-server -m MODEL.gguf --port {url.rsplit(':', 1)[1]}" in error.hint


def test_without_the_extra(scripted: Scripted, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pip command is the hint; what is in the cache needs no client."""
    assert handle().generate("hello?").text
    monkeypatch.setitem(sys.modules, "openai", None)
    error = told(handle(n_ctx=700))
    assert isinstance(error, DependencyMissing)
    assert error.hint == 'pip install "jupyter_localllm[openai]"'
    assert handle().generate("hello?", cache="require").cached


def test_no_secure_connection(scripted: Scripted, handle: Make) -> None:
    """A server is there, and does not speak https: that is not told as a missing server."""
    error = told(handle(endpoint=f"{scripted.speaker.url.replace('http', 'https')}/v1"))
    assert "gives no secure connection" in error.message
    assert "http, and not https" in error.hint


def test_another_name(scripted: Scripted, handle: Make) -> None:
    """A model that the server does not have: what it has, and what is near."""
    scripted.models = [{"id": "qwen2.5-7b-instruct"}, {"id": "other"}]
    with pytest.raises(ModelNotFound) as caught:
        handle("qwen2.5-7b-instuct").generate("Hello?")
    assert caught.value.hint == "Did you mean qwen2.5-7b-instruct? It has: qwen2.5-7b-instruct, other."


def test_a_path_is_known_by_its_file(scripted: Scripted, handle: Make) -> None:
    """llama.cpp's servers call a model by its path; the file's name is enough, and the server is sent its own name."""
    scripted.models = [{"id": "/models/Qwen3-4B.gguf"}, {"id": "C:\\models\\other.gguf"}]
    assert handle("qwen3-4b").generate("hello?").text == "Hello you!"
    assert scripted.speaker.bodies(CHAT)[0]["model"] == "/models/Qwen3-4B.gguf"


def test_no_list_of_models(scripted: Scripted, handle: Make) -> None:
    """A server without one is asked all the same."""
    del scripted.speaker.routes["/v1/models"]
    assert handle().generate("hello?").text == "Hello you!"


def test_an_empty_list_of_models(scripted: Scripted, handle: Make) -> None:
    """mlx_lm.server may send an empty body for it; it can be asked all the same."""
    scripted.speaker.routes["/v1/models"] = lambda _: (200, NOTHING)
    assert handle().generate("hello?").text == "Hello you!"


def test_a_stalled_answer_can_be_left(scripted: Scripted) -> None:
    """Closing the stream closes the connection at once: the server hears of it."""

    def stalls(asked: Asked) -> Iterator[bytes]:
        yield delta(content="One")
        while not asked.left.is_set() and not scripted.speaker.stop.is_set():
            yield b": nothing yet\n\n"
            scripted.speaker.stop.wait(0.01)

    scripted.speaker.routes[CHAT] = stalls
    llm = LocalLLM.from_engine(openai_engine(f"m@{scripted.speaker.url}/v1"))
    stream = llm.stream("Hello?", cache="off")
    assert next(e for e in stream if isinstance(e, Token)).text == "One"
    stream.close()
    scripted.speaker.until_left(scripted.speaker.last(CHAT))
    assert llm.engine is not None
    llm.engine.close()


def test_a_server_without_end(scripted: Scripted, handle: Make) -> None:
    """One that does not keep to the limit is not listened to for ever."""
    sent: list[int] = []

    def endless(_: Asked) -> Iterator[bytes]:
        while not scripted.speaker.stop.is_set():
            sent.append(1)
            yield delta(content=" more")

    scripted.speaker.routes[CHAT] = endless
    result = handle().generate("Hello?", max_tokens=5)
    assert result.finish_reason == "length"
    assert "the server does not keep to max_tokens" in [note.text for note in result.notes]


def one_line(_: Asked) -> Iterator[bytes]:
    yield from itertools.repeat(b"data: " + b"a" * 50_000, 400)


def nothing_but_calls(_: Asked) -> Iterator[bytes]:
    call = {"index": 0, "function": {"name": "f", "arguments": "a" * 1000}}
    yield from itertools.repeat(delta(tool_calls=[call]), 20_000)


@pytest.mark.parametrize("route", [one_line, nothing_but_calls])
@pytest.mark.parametrize("path", ["/v1/models", CHAT])
def test_a_flood(path: str, route: Any, scripted: Scripted, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that would fill the memory of the kernel is left, and told, however little of it is an answer."""
    monkeypatch.setattr(bounded, "LONGEST_LINE", 200_000)
    monkeypatch.setattr(bounded, "LONGEST_REPLY", 1_000_000)
    scripted.speaker.routes[path] = route
    error = told(handle())
    assert isinstance(error, EngineError)
    assert "more than" in error.message
    assert error.hint
    scripted.speaker.until_left(scripted.speaker.last(path))


def test_replies_are_not_compressed(scripted: Scripted, handle: Make) -> None:
    """What is small on its way may be without end in the memory: none is asked for, and one that comes is left."""
    assert handle().generate("hello?", cache="off").text
    assert {asked.headers["accept-encoding"] for asked in scripted.speaker.asked} == {"identity"}
    scripted.speaker.headers = {"Content-Encoding": "gzip"}
    scripted.speaker.routes[CHAT] = lambda _: [gzip.compress(delta(content="a" * 200_000) + DONE)]
    error = told(handle())
    assert "compressed (gzip)" in error.message
    assert error.hint


def test_identity_is_no_compression(scripted: Scripted, handle: Make) -> None:
    """A server that says so in so many words is heard."""
    scripted.speaker.headers = {"Content-Encoding": "Identity"}
    assert handle().generate("hello?").text == "Hello you!"


def test_a_silent_server(scripted: Scripted, handle: Make) -> None:
    """Silence has an end, which is a setting."""

    def stalls(_: Asked) -> Iterator[bytes]:
        yield delta(content="One")
        scripted.speaker.stall()

    scripted.speaker.routes[CHAT] = stalls
    error = told(handle(server_timeout=0.2))
    assert "has said nothing for 0.2 s" in error.message
    assert "server_timeout" in error.hint


def cut(_: Asked) -> list[bytes]:
    return [delta(content="One"), delta(content=" two")]


def failing(_: Asked) -> list[bytes]:
    return [delta(content="One"), event({"error": {"message": "CUDA out of memory", "code": 500}})]


def garbage(_: Asked) -> list[bytes]:
    return [delta(content="One"), b"data: {not json\n\n"]


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (cut, "broke its answer off after 2 pieces"),
        (failing, "failed while it answered: CUDA out of memory"),
        (garbage, "does not speak OpenAI's protocol"),
        (lambda _: None, "broke off"),
        (lambda _: (500, {"error": "kaputt"}), "answered 500: kaputt"),
        (lambda _: (500, b"<html>oops</html>"), "answered 500: <html>oops"),
        (lambda _: (401, {"error": {"message": "Invalid API key"}}), "answered 401: Invalid API key"),
        (lambda _: (429, {"detail": "slow down"}), "answered 429: slow down"),
        (lambda _: (200, b"<html>hello</html>"), "ended before anything of an answer came"),
    ],
)
def test_what_servers_do(scripted: Scripted, handle: Make, route: Any, words: str) -> None:
    """Half an answer is no answer, and the server's own words are told."""
    scripted.speaker.routes[CHAT] = route
    error = told(handle())
    assert isinstance(error, EngineError)
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize("page", [b"<html>hello</html>", {"object": "list"}, ["m"], {"data": "m"}])
def test_something_else_listens_there(speaker: Speaker, handle: Make, page: Any) -> None:
    """A page of HTML, or JSON of another kind, is no list of models."""
    speaker.routes["/v1/models"] = lambda _: (200, page)
    assert "does not speak OpenAI's protocol" in told(handle()).message


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens",
        "the request exceeds the available context size, try increasing it",
    ],
)
def test_the_window_is_full(scripted: Scripted, handle: Make, words: str) -> None:
    """What vLLM and llama-server say of it is a ContextOverflow."""
    scripted.speaker.routes[CHAT] = lambda _: (400, {"error": {"message": words}})
    assert isinstance(told(handle()), ContextOverflow)


def test_ollamas_cloud_is_elsewhere(scripted: Scripted, handle: Make) -> None:
    """Also when Ollama is asked by this protocol, a model of its cloud needs leave."""
    scripted.models = [{"id": "m", "owned_by": "library"}]
    tags = {"models": [{"model": "m", "remote_host": "https://ollama.com:443"}]}
    scripted.speaker.routes["/api/tags"] = lambda _: (200, tags)
    assert "sends prompts for m on to https://ollama.com:443" in told(handle()).message
    assert handle(allow_remote=True).generate("hello?").provenance.remote == "https://ollama.com:443"
    scripted.speaker.routes["/api/tags"] = lambda _: (200, {"models": [{"model": "m"}]})
    assert handle(n_ctx=700).generate("hello?", cache="off").provenance.remote == ""


def test_redirects_are_not_followed(scripted: Scripted, handle: Make) -> None:
    """A prompt goes where it was sent, and nowhere else: the other address is told, not asked."""
    with speaking() as other:
        target = f"{other.url}/v1/chat/completions"
        scripted.speaker.routes[CHAT] = lambda _: (307, {"location": target})
        error = told(handle())
        assert target in error.message
        assert other.asked == []


def test_proxies_do_not_see_this_machine(scripted: Scripted, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is for loopback does not pass a proxy that the environment names."""
    with speaking() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert handle().generate("hello?").text == "Hello you!"
        assert proxy.asked == []


def test_unload_while_the_server_stalls(scripted: Scripted) -> None:
    """Whoever waits is let go, although the server never says anything."""
    scripted.speaker.routes[CHAT] = lambda _: iter(lambda: scripted.speaker.stall() or DONE, DONE)
    engine: Engine = openai_engine(f"m@{scripted.speaker.url}/v1")
    llm = LocalLLM.from_engine(engine)
    llm.load()
    threading.Timer(0.2, engine.unload).start()
    assert "unloaded" in told(llm).message
    engine.close()


def test_counts_and_times_are_not_negative() -> None:
    """What a server counts is shown, kept and added up: less than nothing is nothing."""
    reply = Reply()
    reply.take({"usage": {"prompt_tokens": -7, "completion_tokens": -5}, "timings": {"prompt_ms": -3.0}})
    reply.take({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]})
    ended = reply.ended(Address("http://localhost:1"))
    assert ended is not None
    assert ended.usage == Usage(0, 0, 0)
    assert ended.times["server_prompt_ms"] == 0.0


def test_a_call_without_a_name_is_none() -> None:
    """A part of a call that names no function calls nothing."""
    reply = Reply()
    reply.take({"choices": [{"delta": {"tool_calls": [{"index": 0}, 7, None]}, "finish_reason": "stop"}]})
    ended = reply.ended(Address("http://localhost:1"))
    assert ended is not None
    assert ended.calls == ()


KEYS = [
    *("choices", "delta", "content", "reasoning_content", "tool_calls", "function", "name", "arguments", "index"),
    *("finish_reason", "logprobs", "top_logprobs", "usage", "prompt_tokens", "timings", "prompt_ms"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "timings"]), VALUES, max_size=3), max_size=4))
def test_nothing_of_a_reply_is_taken_for_granted(chunks: list[dict[str, Any]]) -> None:
    """Whatever JSON comes, reading it does not fail."""
    reply = Reply()
    for chunk in chunks:
        assert isinstance(reply.take(chunk), (Piece, type(None)))
    with contextlib.suppress(EngineError):  # it may say that the answer is not whole
        reply.ended(Address("http://localhost:1"))
