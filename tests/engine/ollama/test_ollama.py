"""What Ollama is asked, what becomes of what it says, and what can go wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_localllm.errors import (
    ContextOverflow,
    DependencyMissing,
    EngineError,
    LocalLLMError,
    ModelNotFound,
    UsageError,
)
from jupyter_localllm.types import Token
from tests.engine.served.asking import AGE, Make, asked, told
from tests.engine.served.server import Asked, refusing, speaking

CHAT = "/api/chat"


def test_a_plain_question(fake: Any, handle: Make) -> None:
    """All of the sampling is sent, and the window: without it Ollama would cut the prompt off silently."""
    llm = handle(temperature=0.5, min_p=0.2, keep_alive="5m")
    result = llm.generate("hello?", max_tokens=30, stop=["cat"])
    options = asked(fake.speaker, CHAT)["options"]
    assert (options["temperature"], options["min_p"], options["top_k"]) == (0.5, 0.2, 40)
    assert (options["num_predict"], options["num_ctx"], options["stop"]) == (30, 2048, ["cat"])
    assert asked(fake.speaker, CHAT)["keep_alive"] == "5m"
    assert (result.text, result.model, result.notes) == ("Hello you!", "ollama:tiny:1b", ())
    assert result.provenance.versions["ollama"]


def test_nanoseconds_become_milliseconds(fake: Any, handle: Make) -> None:
    """What the server measured stands beside what was measured here, under names of its own."""
    timings = handle().generate("hello?").timings
    assert (timings.server_load_ms, timings.server_prompt_ms) == (10.0, 30.0)
    assert (timings.server_generation_ms, timings.server_total_ms) == (50.0, 90.0)
    assert 0 < timings.ttft_ms <= timings.latency_ms


def test_loading_is_loading(fake: Any, handle: Make) -> None:
    """`load` has the server load the model with our window, and `unload` lets it go there."""
    llm = handle(n_ctx=1024)
    llm.load()
    assert fake.resident == {"tiny:1b": 1024}
    llm.unload()
    assert fake.resident == {}
    assert llm.generate("hello?").text == "Hello you!"


def test_a_resident_model_stays(fake: Any, handle: Make) -> None:
    """One that lies in memory with another window is not loaded anew, unless a window was set."""
    fake.resident = {"tiny:1b": 512}
    handle().generate("hello?")
    assert asked(fake.speaker, CHAT)["options"]["num_ctx"] == 512
    handle(n_ctx=600).generate("hello?")
    assert asked(fake.speaker, CHAT)["options"]["num_ctx"] == 600


def test_schemas(fake: Any, handle: Make) -> None:
    """A schema is sent as the format, told in words as well, and the answer is validated."""
    fake.answers["old"] = '{"age": 30}'
    assert handle().generate("How old is Ann?", schema=AGE).value == {"age": 30}
    assert asked(fake.speaker, CHAT)["format"] == AGE


def test_reasoning(fake: Any, handle: Make) -> None:
    """Thinking is no part of the answer; a budget of 0 turns it off, another cannot be told."""
    from ollama import ChatResponse

    from tests.engine.ollama.speaker import line

    fake.speaker.routes["/api/chat"] = lambda _: [
        line(ChatResponse, done=False, message={"role": "assistant", "content": "", "thinking": "Hm."}),
        line(ChatResponse, done=True, done_reason="stop", message={"role": "assistant", "content": "Yes."}),
    ]
    result = handle("thinker").generate("Well?")
    assert (result.reasoning, result.text) == ("Hm.", "Yes.")
    handle("thinker").generate("Well?", reasoning_budget=0)
    assert asked(fake.speaker, CHAT)["think"] is False
    assert [note.code for note in handle("thinker").generate("Well?", reasoning_budget=9).notes] == ["unsent"]


def price(item: str) -> float:
    """The price of an item."""
    return {"tea": 3.5}[item]


def test_tools(fake: Any, handle: Make) -> None:
    """Tools are told, calls run, and what they gave is told under the tool's name."""
    from ollama import ChatResponse

    from tests.engine.ollama.speaker import line

    def answering(request: Asked) -> Any:
        if request.body["messages"][-1]["role"] == "tool":
            return [
                line(
                    ChatResponse,
                    done=True,
                    done_reason="stop",
                    message={"role": "assistant", "content": "Tea costs 3.5."},
                )
            ]
        call = {"function": {"name": "price", "arguments": {"item": "tea"}}}
        return [
            line(ChatResponse, done=False, message={"role": "assistant", "content": "", "tool_calls": [call]}),
            line(ChatResponse, done=True, done_reason="stop", message={"role": "assistant", "content": ""}),
        ]

    fake.speaker.routes["/api/chat"] = answering
    result = handle().generate("What does tea cost?", tools=[price], yes=True)
    assert [(call.words, call.outcome) for call in result.calls] == [('price("tea")', "3.5")]
    first, second = fake.speaker.bodies("/api/chat")
    assert first["tools"][0]["function"]["name"] == "price"
    calling, outcome = second["messages"][-2:]
    assert calling["tool_calls"][0]["function"] == {"name": "price", "arguments": {"item": "tea"}}
    assert (outcome["role"], outcome["tool_name"], outcome["content"]) == ("tool", "price", "3.5")


def test_a_model_without_tools(fake: Any, handle: Make) -> None:
    """It has them told in the prompt, whether its capabilities say so or only its refusal."""
    handle("thinker").generate("What does tea cost?", tools=[price], yes=True, max_tokens=9)
    assert "You can call these functions" in asked(fake.speaker, CHAT)["messages"][0]["content"]
    fake.speaker.routes["/api/chat"] = lambda request: (
        (400, {"error": "tiny:1b does not support tools"}) if request.body.get("tools") else fake.chat(request)
    )
    handle().generate("What does tea cost?", tools=[price], yes=True, max_tokens=9)
    assert "You can call these functions" in asked(fake.speaker, CHAT)["messages"][0]["content"]


def test_a_base_model(fake: Any, handle: Make) -> None:
    """Without a chat template it continues the text, and says so."""
    result = handle("base").generate("Say hello.")
    assert (asked(fake.speaker, "/api/generate")["raw"], asked(fake.speaker, "/api/generate")["prompt"]) == (
        True,
        "Say hello.",
    )
    assert [note.code for note in result.notes] == ["no_template"]


def test_what_must_be_called(fake: Any, handle: Make) -> None:
    """Ollama cannot be told that a call must come: that is said."""
    result = handle().generate("hello?", tools=[price], yes=True, must_call=True)
    assert "Ollama cannot be told that a function must be called" in [note.text for note in result.notes]


def test_no_server(handle: Make) -> None:
    """Its address, and how to start it."""
    with refusing() as url:
        error = told(handle(endpoint=url))
        assert error.message == f"there is no server at {url}"
        assert "ollama serve" in error.hint


def test_without_the_extra(fake: Any, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pip command is the hint; what is in the cache needs no client, since the digest is remembered."""
    assert handle().generate("hello?").text
    monkeypatch.setitem(sys.modules, "ollama", None)
    error = told(handle("thinker"))
    assert isinstance(error, DependencyMissing)
    assert error.hint == 'pip install "jupyter_localllm[ollama]"'
    assert handle().generate("hello?", cache="require").cached


def test_no_secure_connection(fake: Any, handle: Make) -> None:
    """A server is there, and does not speak https: that is not told as a missing server."""
    assert "gives no secure connection" in told(handle(endpoint=fake.speaker.url.replace("http", "https"))).message


def test_a_wrong_tag(fake: Any, handle: Make) -> None:
    """What is near, what there is, and the command that fetches it."""
    with pytest.raises(ModelNotFound) as caught:
        handle("tiny:3b").generate("hello?")
    assert "Did you mean tiny:1b? Fetch it: ollama pull tiny:3b. It has: tiny:1b, " in caught.value.hint


def failing(_: Asked) -> Iterator[bytes]:
    yield b'{"message": {"role": "assistant", "content": "One"}, "done": false}\n'
    yield b'{"error": "llama runner process has terminated: CUDA error"}\n'


def cut(_: Asked) -> Iterator[bytes]:
    yield b'{"message": {"role": "assistant", "content": "One"}, "done": false}\n'


@pytest.mark.parametrize(
    ("route", "words", "kind"),
    [
        (failing, "failed while it answered: llama runner process has terminated", EngineError),
        (cut, "broke its answer off after 1 pieces", EngineError),
        (lambda _: [b"{not json\n"], "does not speak Ollama's protocol", EngineError),
        (lambda _: [b'{"message": 7}\n'], "does not speak Ollama's protocol", EngineError),
        (lambda _: None, "broke off", EngineError),
        (
            lambda _: (500, {"error": "model requires more system memory (9.1 GiB) than is available (4.0 GiB)"}),
            "answered 500: model requires more system memory",
            EngineError,
        ),
        (lambda _: (400, {"error": "prompt exceeds the context length"}), "do not fit", ContextOverflow),
        (lambda _: (404, {"error": "model 'tiny:1b' not found"}), "has no model", ModelNotFound),
        (lambda _: [], "ended before anything of an answer came", EngineError),
    ],
)
def test_what_servers_do(fake: Any, handle: Make, route: Any, words: str, kind: type[LocalLLMError]) -> None:
    """Half an answer is no answer, and the server's own words are told."""
    fake.speaker.routes["/api/chat"] = route
    error = told(handle())
    assert isinstance(error, kind)
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize("page", [b"<html>hello</html>", {"models": 7}, ["m"]])
def test_something_else_listens_there(fake: Any, handle: Make, page: Any) -> None:
    """A page of HTML, or JSON of another kind, is no list of models."""
    fake.speaker.routes["/api/tags"] = lambda _: (200, page)
    assert "does not speak Ollama's protocol" in told(handle()).message


def test_a_stalled_answer(fake: Any, handle: Make) -> None:
    """It can be left, which closes the connection; and silence has an end, which is a setting."""

    def stalls(request: Asked) -> Iterator[bytes]:
        yield from cut(request)
        while not request.left.is_set() and not fake.speaker.stop.wait(0.01):
            yield b""
            if request.sent > 5:
                yield b'{"message": {"role": "assistant", "content": "."}, "done": false}\n'

    fake.speaker.routes["/api/chat"] = stalls
    stream = handle().stream("Well?", cache="off")
    assert next(e for e in stream if isinstance(e, Token)).text == "One"
    stream.close()
    fake.speaker.until_left(fake.speaker.last("/api/chat"))

    def silent(request: Asked) -> Iterator[bytes]:
        yield from cut(request)
        fake.speaker.stall()

    fake.speaker.routes["/api/chat"] = silent
    assert "has said nothing for 0.3 s" in told(handle(server_timeout=0.3)).message


def test_nothing_goes_elsewhere(fake: Any, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirects are not followed, proxies not used for this machine, and the key of Ollama's makers is not sent."""
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    with speaking() as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert handle().generate("hello?").text == "Hello you!"
        fake.speaker.routes["/api/chat"] = lambda _: (307, {"location": f"{other.url}/api/chat"})
        assert isinstance(told(handle()), EngineError)
        assert other.asked == []
    assert "secret" not in json.dumps([one.headers for one in fake.speaker.asked])
    monkeypatch.setenv("MY_KEY", "mine")
    told(handle(api_key_env="MY_KEY"))
    assert fake.speaker.last("/api/chat").headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize("name", ["tiny:1b", "big:120b-cloud"])
def test_models_of_the_cloud_are_elsewhere(fake: Any, handle: Make, name: str) -> None:
    """A model that Ollama has its makers answer for is remote, although the server is on this machine."""
    fake.tags[name] = fake.tags["tiny:1b"]
    fake.digests[name] = fake.digests["tiny:1b"]
    if name == "tiny:1b":
        fake.cloud[name] = "https://ollama.com:443"
    error = told(handle(name))
    assert isinstance(error, UsageError)
    assert f"sends prompts for {name} on to https://ollama.com" in error.message
    assert fake.speaker.bodies("/api/chat") == fake.speaker.bodies("/api/generate") == []
    result = handle(name, allow_remote=True).generate("hello?")
    assert result.provenance.remote.startswith("https://ollama.com")
