"""What Ollama is asked, what becomes of what it says, and what can go wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.backends import BackendSettings, Target
from jupyter_localllm.engine.ollama import backend
from jupyter_localllm.engine.ollama.backend import OllamaBackend
from jupyter_localllm.errors import (
    ContextOverflow,
    DependencyMissing,
    EngineError,
    LocalLLMError,
    ModelNotFound,
    UsageError,
)
from jupyter_localllm.types import Token
from tests.engine.served.server import Asked, refusing, speaking

AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
Make = Callable[..., LocalLLM]


def asked(fake: Any, path: str = "/api/chat") -> dict[str, Any]:
    body: dict[str, Any] = fake.speaker.bodies(path)[-1]
    return body


def told(llm: LocalLLM, question: str = "Tell me something.", **options: Any) -> LocalLLMError:
    with pytest.raises(LocalLLMError) as caught:
        llm.generate(question, cache="off", **options)
    return caught.value


def test_a_plain_question(fake: Any, handle: Make) -> None:
    """All of the sampling is sent, and the window: without it Ollama would cut the prompt off silently."""
    llm = handle(temperature=0.5, min_p=0.2, keep_alive="5m")
    result = llm.generate("hello?", max_tokens=30, stop=["cat"])
    options = asked(fake)["options"]
    assert (options["temperature"], options["min_p"], options["top_k"]) == (0.5, 0.2, 40)
    assert (options["num_predict"], options["num_ctx"], options["stop"]) == (30, 2048, ["cat"])
    assert asked(fake)["keep_alive"] == "5m"
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
    assert asked(fake)["options"]["num_ctx"] == 512
    handle(n_ctx=600).generate("hello?")
    assert asked(fake)["options"]["num_ctx"] == 600


def test_schemas(fake: Any, handle: Make) -> None:
    """A schema is sent as the format, told in words as well, and the answer is validated."""
    fake.answers["old"] = '{"age": 30}'
    assert handle().generate("How old is Ann?", schema=AGE).value == {"age": 30}
    assert asked(fake)["format"] == AGE


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
    assert asked(fake)["think"] is False
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
    assert "You can call these functions" in asked(fake)["messages"][0]["content"]
    fake.speaker.routes["/api/chat"] = lambda request: (
        (400, {"error": "tiny:1b does not support tools"}) if request.body.get("tools") else fake.chat(request)
    )
    handle().generate("What does tea cost?", tools=[price], yes=True, max_tokens=9)
    assert "You can call these functions" in asked(fake)["messages"][0]["content"]


def test_a_base_model(fake: Any, handle: Make) -> None:
    """Without a chat template it continues the text, and says so."""
    result = handle("base").generate("Say hello.")
    assert (asked(fake, "/api/generate")["raw"], asked(fake, "/api/generate")["prompt"]) == (True, "Say hello.")
    assert [note.code for note in result.notes] == ["no_template"]


def test_an_embedding_model(fake: Any, handle: Make) -> None:
    """It embeds, and does not chat; a model that chats does not embed."""
    rows = handle("embed").embed(["abcd", "b"])
    assert rows[0].tolist() == pytest.approx([0.8, 0.6])
    assert asked(fake, "/api/embed")["truncate"] is False
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


def test_the_cloud_is_elsewhere() -> None:
    """What a name says of where the model runs is known without asking."""
    allowed = BackendSettings(allow_remote=True)
    assert OllamaBackend().remote(Target("ollama", "big:cloud", allowed)) == ("https://ollama.com",)
    assert OllamaBackend().remote(Target("ollama", "big:cloud")) == ()
    assert OllamaBackend().remote(Target("ollama", "small", allowed)) == ()


def test_what_must_be_called(fake: Any, handle: Make) -> None:
    """Ollama cannot be told that a call must come: that is said."""
    result = handle().generate("hello?", tools=[price], yes=True, must_call=True)
    assert "Ollama cannot be told that a function must be called" in [note.text for note in result.notes]


def test_an_embedding_model_is_let_go(fake: Any, handle: Make) -> None:
    """Also a model that only embeds leaves the server's memory."""
    llm = handle("embed")
    llm.embed(["a"])
    fake.resident["embed:latest"] = 512
    llm.unload()
    assert asked(fake, "/api/generate")["keep_alive"] == 0


def test_many_texts_are_embedded_in_parts(fake: Any, handle: Make) -> None:
    """No request has more than 64 texts, and all come back in their order."""
    rows = handle("embed").embed(["x" * (n + 1) for n in range(130)])
    assert [len(body["input"]) for body in fake.speaker.bodies("/api/embed")] == [64, 64, 2]
    assert rows[129][0] / rows[129][1] == pytest.approx(130 / 3)


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
    ],
)
def test_what_servers_do(fake: Any, handle: Make, route: Any, words: str, kind: type[LocalLLMError]) -> None:
    """Half an answer is no answer, and the server's own words are told."""
    fake.speaker.routes["/api/chat"] = route
    error = told(handle())
    assert isinstance(error, kind)
    assert words in error.message
    assert error.hint


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
    assert [asked(fake)[name] for name in ("truncate", "shift")] == [False, False]
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


def test_elsewhere_needs_leave(monkeypatch: pytest.MonkeyPatch, handle: Make) -> None:
    """An address on another machine is refused before anything is sent, also where a variable names it."""
    monkeypatch.setenv("OLLAMA_HOST", "10.255.255.1")
    error = told(handle(endpoint=""))
    assert isinstance(error, UsageError)
    assert "http://10.255.255.1:11434 is not on this machine" in error.message
    assert "allow_remote" in error.hint
