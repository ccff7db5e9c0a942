"""Whatever was asked of another machine on the way to an answer, the answer says so, from its first moment on."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.batch.head import Head
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.view import Finished
from jupyter_localllm.show.bundle import bundle
from jupyter_localllm.show.view import View, failed, fold
from jupyter_localllm.types import Done, Provenance, Status, Token
from tests.engine.openai.speaker import DONE, Scripted, delta
from tests.engine.served.engines import as_if_elsewhere
from tests.engine.served.server import Asked, speaking

TEXT = "Ann wrote the report about foxes.\n\nBob wrote the one about owls.\n\nThe library opens at nine."
Make = Callable[..., LocalLLM]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    pytest.importorskip("openai")
    as_if_elsewhere(monkeypatch)
    with speaking() as speaker:
        yield Scripted(speaker)


@pytest.fixture
def handle(scripted: Scripted, tmp_path: Path) -> Iterator[Make]:
    made: list[LocalLLM] = []

    def make(**settings: Any) -> LocalLLM:
        values = {"model": f"openai:m@{scripted.speaker.url}/v1", "cache_dir": str(tmp_path), "allow_remote": True}
        made.append(LocalLLM(**{**values, **settings}))
        return made[-1]

    yield make
    for llm in made:
        llm.close()


def words(scripted: Scripted) -> str:
    return f"answered with {scripted.speaker.url}/v1, which is not on this machine"


def test_while_it_streams_and_if_it_breaks_off(scripted: Scripted, handle: Make) -> None:
    """The words stand above the first token, and above what an answer had when it was stopped."""
    view = View()
    stream = handle().stream("Tell me a story.", max_tokens=30)
    for event in stream:
        view = fold(view, event, 0.0)
        if isinstance(event, Token):
            break
    stream.close()
    for shown in (view, failed(view, KeyboardInterrupt()), failed(view, ValueError())):
        data, metadata = bundle(shown)
        assert words(scripted) in data["text/plain"]
        assert words(scripted) in data["text/html"]
    assert metadata["jupyter_localllm"]["remote"] == f"{scripted.speaker.url}/v1"


def test_a_first_round_of_tools_elsewhere(scripted: Scripted, handle: Make) -> None:
    """An answer with calls tells the address of every round, also when its rounds come out of the cache."""
    from dataclasses import replace

    from jupyter_localllm.answering import calling

    assert calling.united("a", "b") == "a, b"

    def price(item: str) -> float:
        """The price of an item."""
        return 3.5

    def answering(asked: Asked) -> Any:
        if asked.body["messages"][-1]["role"] == "tool":
            return [delta(content="It costs 3.5."), delta("stop"), DONE]
        call = {"index": 0, "id": "1", "type": "function"}
        function = {"name": "price", "arguments": '{"item": "tea"}'}
        return [delta(tool_calls=[{**call, "function": function}]), delta("tool_calls"), DONE]

    scripted.speaker.routes["/v1/chat/completions"] = answering
    for _ in range(2):
        result = handle().generate("What does tea cost?", tools=[price], yes=True)
        assert result.provenance.remote == f"{scripted.speaker.url}/v1"
    assert replace(result, text="").calls


def test_passages_that_were_embedded_elsewhere(scripted: Scripted, handle: Make) -> None:
    """A model in the kernel answers, and the passages went to another machine to be chosen: that is told."""
    from jupyter_localllm.engine.scripted import ScriptedEngine

    def embed(asked: Asked) -> Any:
        data = [{"index": i, "embedding": [float(len(t)), 1.0]} for i, t in enumerate(asked.body["input"])]
        return 200, {"object": "list", "model": "m", "data": data}

    scripted.speaker.routes["/v1/embeddings"] = embed
    model = handle().model
    llm = LocalLLM.from_engine(
        ScriptedEngine("Ann wrote it [1]."), embedding_model=model, allow_remote=True, cache_dir=handle().cache_dir
    )
    remotes = []
    for event in llm.stream_ask("Who wrote the report about foxes?", {"text": TEXT}):
        if isinstance(event, Status) and event.remote:
            remotes.append(event.remote)
        if isinstance(event, Done):
            remotes.append(event.result.provenance.remote)
    assert remotes == [f"{scripted.speaker.url}/v1"] * 2
    llm.close()


def test_readers_that_are_elsewhere(scripted: Scripted, handle: Make) -> None:
    """What decided how a question is read was asked elsewhere, although the answer is computed here."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"price": [1.0, 2.0, 4.0], "cost": [3.0, 5.0, 9.0], "region": ["EU", "EU", "US"]})
    asked = 0
    for question in ("What is the total amount in EU?", "How much is it in the EU?", "mean of EU"):
        answer = handle(reader="model").ask(question, {"df": frame})
        now = len(scripted.speaker.bodies("/v1/chat/completions"))
        if now > asked:
            assert answer.result.provenance.remote == f"{scripted.speaker.url}/v1", question
        asked = now
    assert asked


def test_a_map(scripted: Scripted, handle: Make) -> None:
    """The finished view says it in a line, above the answers."""
    told = Progress(done=2, total=2, model="m", provenance=Provenance(remote="https://far.example/v1"))
    finished = Finished(told, Head((), (), 0), "")
    line = "answered with https://far.example/v1, which is not on this machine"
    assert line in finished.plain()
    assert line in finished.html()
    seen: list[Progress] = []
    handle().map("hello {{ value }}", [1, 2], progress=seen.append)
    assert io.StringIO(seen[-1].provenance.remote).read() == f"{scripted.speaker.url}/v1"
