"""Passages that an embedding model on a server helps to choose."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import UsageError
from tests.engine.openai.speaker import Scripted
from tests.engine.served.engines import as_if_elsewhere
from tests.engine.served.server import Asked, speaking

TEXT = "Ann wrote the report about foxes.\n\nBob wrote the one about owls.\n\nThe library opens at nine."


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with speaking() as speaker:
        scripted = Scripted(speaker, [{"id": "e"}])

        def embed(asked: Asked) -> Any:
            texts = asked.body["input"]
            data = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(texts)]
            return 200, {"object": "list", "model": "e", "data": data}

        speaker.routes["/v1/embeddings"] = embed
        yield scripted


def reader(scripted: Scripted, tmp_path: Path, **settings: Any) -> LocalLLM:
    model = f"openai:e@{scripted.speaker.url}/v1"
    engine = ScriptedEngine("Ann wrote it [1].")
    return LocalLLM.from_engine(engine, embedding_model=model, cache_dir=str(tmp_path), cache="off", **settings)


def embedded(scripted: Scripted) -> int:
    return len(scripted.speaker.bodies("/v1/embeddings"))


def test_leave_is_each_handles_own(scripted: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one handle may send elsewhere, another one without leave does not, although the first one asked before."""
    as_if_elsewhere(monkeypatch)
    first = reader(scripted, tmp_path, allow_remote=True)
    first.ask("Who wrote the report about foxes?", {"text": TEXT})
    count = embedded(scripted)
    assert count
    second = reader(scripted, tmp_path)
    with pytest.raises(UsageError, match="not on this machine"):
        second.ask("Who wrote the other one, about owls?", {"text": TEXT})
    assert embedded(scripted) == count
    first.close()


def test_vectors_are_kept_and_handles_are_not(scripted: Scripted, tmp_path: Path) -> None:
    """The next handle with the same settings finds the vectors; the first one can be collected."""
    first = reader(scripted, tmp_path)
    first.ask("Who wrote the report about foxes?", {"text": TEXT})
    count = embedded(scripted)
    gone = weakref.ref(first)
    first.close()
    del first
    gc.collect()
    assert gone() is None
    second = reader(scripted, tmp_path)
    second.ask("Who wrote the report about foxes?", {"text": TEXT})
    assert embedded(scripted) == count > 0
    second.close()
