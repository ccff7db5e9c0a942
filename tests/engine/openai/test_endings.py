"""Ends that are none, servers that come back, keys and proxies."""

from __future__ import annotations

import json

import pytest

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.trouble import unmade
from jupyter_localllm.errors import (
    DependencyMissing,
    UsageError,
)
from tests.engine.openai.speaker import DONE, Scripted, delta
from tests.engine.served.asking import Make, told

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("reason", ["abort", "error", "cancelled", "timeout"])
def test_an_answer_that_the_server_gave_up(scripted: Scripted, handle: Make, reason: str) -> None:
    """Whatever the server calls an end that is none, it is an error with the server's word."""
    scripted.speaker.routes[CHAT] = lambda _: [delta(content="One"), delta(reason), DONE]
    error = told(handle())
    assert f"ended its answer before it was whole: {reason}" in error.message


@pytest.mark.parametrize("reason", ["stop", "eos_token", "stop_sequence", "tool_calls", "function_call"])
def test_an_answer_that_is_whole(scripted: Scripted, handle: Make, reason: str) -> None:
    """What servers call an end of the model's own."""
    scripted.speaker.routes[CHAT] = lambda _: [delta(content="One"), delta(reason), DONE]
    assert handle().generate("Hello?").finish_reason == "stop"


def test_what_a_filter_took_is_not_kept(scripted: Scripted, handle: Make) -> None:
    """The answer says so, and is not replayed: the filter may let it through the next time."""
    scripted.speaker.routes[CHAT] = lambda _: [delta(content="One"), delta("content_filter"), DONE]
    assert "filtered" in [note.code for note in handle().generate("Hello?").notes]
    assert not handle().generate("Hello?").cached


def test_who_is_there_the_next_time(scripted: Scripted, handle: Make) -> None:
    """After a server broke off, what it said of itself is asked again: its successor may have a smaller window."""
    llm = handle()
    llm.load()
    assert llm.engine is not None
    assert llm.engine.info().n_ctx == 2048
    scripted.speaker.routes[CHAT] = lambda _: None
    told(llm)
    scripted.models = [{"id": "m", "max_model_len": 300}]
    scripted.speaker.routes[CHAT] = scripted.chat
    assert llm.generate("hello?").text == "Hello you!"
    assert llm.engine.info().n_ctx == 300


def test_keys_are_not_repeated(scripted: Scripted, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that tells the key it got does not bring it into the notebook."""
    monkeypatch.setenv("MY_KEY", "sk-mine")
    scripted.speaker.routes[CHAT] = lambda _: (401, {"error": {"message": "wrong key: sk-mine"}})
    error = told(handle(api_key_env="MY_KEY"))
    assert "wrong key: …" in error.message


def test_a_proxy_that_cannot_be_used(handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of a kind that the HTTP library cannot speak to is an error that says what to install or unset."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "carrier-pigeon://127.0.0.1:1")
    error = told(handle("m@https://far.invalid/v1", endpoint="", allow_remote=True))
    assert "cannot be asked" in error.message
    assert "ALL_PROXY" in error.hint
    assert isinstance(unmade(Address("https://far.invalid"), ImportError("no socksio")), DependencyMissing)


def test_keys_go_to_those_they_are_for(scripted: Scripted, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of OpenAI is not sent to a server beside; one that is named for it is."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    handle().generate("hello?")
    sent = json.dumps([one.headers for one in scripted.speaker.asked])
    assert "secret" not in sent
    monkeypatch.setenv("MY_KEY", "mine")
    handle(api_key_env="MY_KEY").generate("hello?", cache="off")
    assert scripted.speaker.last(CHAT).headers["authorization"] == "Bearer mine"
    monkeypatch.setenv("OPENAI_BASE_URL", f"{scripted.speaker.url}/v1")
    handle(endpoint="").generate("hello?", cache="off")
    assert scripted.speaker.last(CHAT).headers["authorization"] == "Bearer sk-secret"
    with pytest.raises(UsageError, match="no variable NOT_THERE"):
        handle(api_key_env="NOT_THERE").generate("hello?", cache="off")
