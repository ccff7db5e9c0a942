"""Models of servers on the bench: what the clock says and what the server says stand apart."""

from __future__ import annotations

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.doctor import Subject
from jupyter_localllm.doctor.places import check_network
from tests.engine.openai.speaker import Scripted
from tests.engine.served.server import speaking


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's servers and keys."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OLLAMA_HOST", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_server_of_openais_protocol() -> None:
    """Speeds come from the clock where the server tells none, its memory is not ours, and its window is known."""
    pytest.importorskip("openai")
    with speaking() as speaker:
        Scripted(speaker)
        llm = LocalLLM(model="openai:m", endpoint=f"{speaker.url}/v1")
        (row,) = llm.benchmark(n=2, warmup=1, max_tokens=20).rows
        llm.close()
    assert row.error == ""
    assert (row.label, row.backend, row.n_ctx, row.resident_bytes) == ("openai:m", "openai", 2048, None)
    assert row.tokens_per_second
    assert row.samples[0].completion_tokens == 20
    assert row.figures()["server_total_ms"] is None


def test_an_ollama_server() -> None:
    """It loads and lets go for the figures of loading, and its own times have names of their own."""
    pytest.importorskip("ollama")
    from tests.engine.ollama.speaker import FakeOllama

    with speaking() as speaker:
        FakeOllama(speaker)
        llm = LocalLLM(model="ollama:tiny:1b", endpoint=speaker.url, n_ctx=1024)
        (row,) = llm.benchmark(n=1, warmup=1, max_tokens=20).rows
        llm.close()
    assert row.error == ""
    assert (row.backend, row.n_ctx) == ("ollama", 1024)
    assert row.load_ms
    assert row.figures()["server_total_ms"] == 90.0
    assert row.ttft_ms is not None


def test_a_server_that_is_not_there() -> None:
    """The case has the backend's own error, with what to do."""
    pytest.importorskip("openai")
    llm = LocalLLM(model="openai:m", endpoint="http://127.0.0.1:9/v1")
    (row,) = llm.benchmark(n=1).rows
    assert "127.0.0.1" in row.error
    assert row.samples == ()


def test_the_doctor_tells_the_address() -> None:
    """Where the model of the settings is asked, without asking; another machine is refused until it is allowed."""
    here = LocalLLM(model="openai:m", endpoint="http://127.0.0.1:9/v1")
    assert any("http://127.0.0.1:9/v1" in f.text for f in check_network(Subject(here, here.answers, here.find)))
    far = LocalLLM(model="openai:m", endpoint="https://far.example/v1")
    (refused,) = (f for f in check_network(Subject(far, far.answers, far.find)) if f.level == "warning")
    assert "far.example" in refused.text
    assert "allow_remote" in refused.mend
    allowed = LocalLLM(model="openai:m", endpoint="https://far.example/v1", allow_remote=True)
    found = list(check_network(Subject(allowed, allowed.answers, allowed.find)))
    assert {finding.level for finding in found} == {"ok", "note"}
    assert any("prompts leave this machine, to https://far.example" in finding.text for finding in found)
