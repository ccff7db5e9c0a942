"""What of a server stays: answers in the cache, what was known when an answer ended, vectors."""

from __future__ import annotations

import pytest

from jupyter_localllm.engine.served import engine as served
from jupyter_localllm.errors import EngineError, ModelNotFound
from jupyter_localllm.types import Done, Job, Message, Prompt, Sampling
from tests.engine.openai.speaker import DONE, Scripted, delta
from tests.engine.served.asking import Make
from tests.engine.served.engines import openai_engine

CHAT = "/v1/chat/completions"


def test_what_is_known_at_a_stop_string(scripted: Scripted, handle: Make) -> None:
    """Notes on what the server was not told, and calls that were whole by then, are not lost at a stop string."""
    scripted.served_by("vllm")
    call = {"index": 0, "id": "1", "type": "function"}
    whole, half = {"name": "f", "arguments": "{}"}, {"name": "g", "arguments": '{"a": '}
    scripted.speaker.routes[CHAT] = lambda _: [
        delta(tool_calls=[{**call, "function": whole}, {**call, "index": 1, "function": half}]),
        delta(content="One END two"),
        delta("stop"),
        DONE,
    ]
    engine = openai_engine(f"m@{scripted.speaker.url}/v1")
    job = Job(Prompt((Message.of("user", "x"),)), Sampling(temperature=0.5, typical_p=0.5), max_tokens=9, stop=("END",))
    *_, done = engine.generate(job)
    assert isinstance(done, Done)
    assert (done.result.text, done.result.finish_reason) == ("One ", "stop")
    assert [note.code for note in done.result.notes] == ["unsent"]
    assert [one.name for one in done.result.calls] == ["f"]
    engine.close()


def test_vectors(scripted: Scripted, handle: Make) -> None:
    """Each of length 1, in the order of the texts; what gives none is an error."""
    data = [{"index": 1, "embedding": [0.0, 2.0]}, {"index": 0, "embedding": [3.0, 4.0]}]
    scripted.speaker.routes["/v1/embeddings"] = lambda _: (200, {"object": "list", "model": "m", "data": data})
    rows = handle().embed(["a", "b"])
    assert rows[0].tolist() == pytest.approx([0.6, 0.8])
    assert rows[1].tolist() == pytest.approx([0.0, 1.0])
    scripted.speaker.routes["/v1/embeddings"] = lambda _: (200, {"object": "list", "model": "m", "data": data[:1]})
    with pytest.raises(EngineError, match="no vector for each text"):
        handle().embed(["a", "b"])
    uneven = [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]
    scripted.speaker.routes["/v1/embeddings"] = lambda _: (200, {"object": "list", "model": "m", "data": uneven})
    with pytest.raises(EngineError, match="no vector for each text"):
        handle().embed(["a", "b"])
    del scripted.speaker.routes["/v1/embeddings"]
    with pytest.raises(EngineError, match="answered 404"):
        handle().embed(["a"])


def test_replayed_without_the_server(scripted: Scripted, handle: Make) -> None:
    """The cache knows a model by address and name: a replay asks nobody, another name is another model."""
    handle().generate("hello?")
    count = len(scripted.speaker.asked)
    assert handle().generate("hello?", cache="require").cached
    assert handle(f"m@{scripted.speaker.url}/v1", endpoint="").generate("hello?", cache="require").cached
    assert len(scripted.speaker.asked) == count
    scripted.models = [{"id": "n"}]
    assert not handle("n").generate("hello?").cached


def test_other_weights_under_the_same_name(scripted: Scripted, handle: Make) -> None:
    """What the server says of them is part of the identity: once it is seen to be another model, nothing of the first
    one is replayed; what was asked before that was seen is not kept."""
    scripted.models = [{"id": "/a/m.gguf", "meta": {"n_params": 1}}]
    assert not handle("m").generate("hello?").cached
    assert handle("m").generate("hello?", cache="require").cached
    llm = handle("m", n_ctx=900)
    scripted.models = [{"id": "/b/m.gguf", "meta": {"n_params": 2}}]
    result = llm.generate("Tell me.", max_tokens=3)
    assert "changed" in [note.code for note in result.notes]
    assert not handle("m").generate("hello?").cached
    assert not handle("m").generate("Tell me.", max_tokens=3).cached
    assert handle("m").generate("Tell me.", max_tokens=3).cached


def test_a_server_that_was_restarted_unnoticed(
    scripted: Scripted, handle: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such servers answer for any name: what another model says is not kept as this one's, and one that the list does
    not have is not asked."""
    monkeypatch.setattr(served, "_TRUSTED_SECONDS", 1000.0)
    scripted.models = [{"id": "m", "meta": {"n_params": 1}}]
    llm = handle("m")
    assert llm.generate("hello?").notes == ()
    scripted.models = [{"id": "m", "meta": {"n_params": 2}}]
    assert llm.generate("Tell me.", max_tokens=3).notes[0].code == "length"  # seen a moment ago
    monkeypatch.setattr(served, "_TRUSTED_SECONDS", 0.0)
    assert "changed" in [note.code for note in llm.generate("Tell me more.", max_tokens=3).notes]
    assert not llm.generate("hello?").cached
    listed = scripted.speaker.routes["/v1/models"]
    scripted.speaker.routes["/v1/models"] = lambda _: (500, {"error": "no list today"})
    assert llm.generate("Tell me again.", max_tokens=3).text
    scripted.speaker.routes["/v1/models"] = listed
    scripted.models = [{"id": "other"}]
    count = len(scripted.speaker.bodies(CHAT))
    with pytest.raises(ModelNotFound, match="has no model 'm'"):
        llm.generate("Tell me all.", max_tokens=3)
    assert len(scripted.speaker.bodies(CHAT)) == count


def test_a_map(scripted: Scripted, handle: Make) -> None:
    """Rows, schemas and the cache work on top of it, many at a time."""
    llm = handle(n_parallel=8)
    scripted.answers |= {f"row {i};": str(i) for i in range(30)}
    assert llm.map("row {{ value }};", list(range(30)), schema=int) == list(range(30))
