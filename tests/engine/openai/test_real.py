"""Real servers on loopback, with SmolLM2-135M: ``llama_cpp.server``, and llama-server where a package brings it."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.types import ModelFile
from tests.contracts import EngineContract, wait_for
from tests.engine.served.engines import openai_engine

PACKAGES = {
    "llama_cpp.server": ("fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings"),
    "llama-server": ("xllamacpp",),
}
LLAMA_SERVER = """
import sys, xllamacpp
wanted = xllamacpp.CommonParams()
wanted.model.path, wanted.port, wanted.n_ctx, wanted.n_parallel = sys.argv[1], int(sys.argv[2]), 1024, 1
wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(wanted)
sys.stdin.read()
"""
pytestmark = pytest.mark.model


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def command(kind: str, path: str, port: int) -> list[str]:
    if kind == "llama-server":
        return [sys.executable, "-c", LLAMA_SERVER, path, str(port)]
    options = ["--model", path, "--port", str(port), "--n_threads", "1", "--n_threads_batch", "1", "--n_ctx", "1024"]
    return [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1", *options]


@pytest.fixture(scope="module", params=PACKAGES)
def url(model_file: ModelFile, request: pytest.FixtureRequest) -> Iterator[str]:
    for package in PACKAGES[request.param]:
        pytest.importorskip(package)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            command(request.param, model_file.path, port), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            found = f"http://127.0.0.1:{port}/v1"
            wait_for(lambda: server.poll() is not None or answers(found), 60)
            assert server.poll() is None, "the server did not start"
            yield found
        finally:
            server.terminate()
            server.communicate(timeout=20)


@pytest.fixture
def llm(url: str, tmp_path: Path) -> Iterator[LocalLLM]:
    name = "openai:SmolLM2-135M-Instruct.Q4_1"  # the server knows it by its path
    llm = LocalLLM(model=name, endpoint=url, n_ctx=1024, cache_dir=str(tmp_path))
    yield llm
    llm.close()


class TestReal(EngineContract):
    """The contract, over a real server."""

    @pytest.fixture
    def engine(self, url: str) -> Iterator[Engine]:
        engine = openai_engine(f"SmolLM2-135M-Instruct.Q4_1@{url}", n_ctx=1024)
        yield engine
        engine.close()


def test_answers(llm: LocalLLM) -> None:
    """A question, a choice, an object, and a map whose rows wait for each other."""
    result = llm.generate("What is the capital of Japan?", max_tokens=20)
    assert "Tokyo" in result.text
    assert result.usage.prompt_tokens > 0
    assert llm.generate("Is Tokyo in Japan?", schema=["yes", "no"]).value in ("yes", "no")
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    assert isinstance(llm.extract(schema, "How old is Ann, who is 30?", max_tokens=40)["age"], int)
    texts = ["Tokyo", "Kyoto", "Osaka"]
    assert all(llm.map("Is {{ value }} in Japan?", texts, schema=["yes", "no"]))


def test_log_probabilities_of_a_real_server(llm: LocalLLM) -> None:
    """The server's, or a note that it has none."""
    result = llm.generate("What is the capital of Japan?", max_tokens=4, logprobs=2)
    assert result.logprobs or [note.code for note in result.notes] == ["unsent"]


def test_cited(llm: LocalLLM) -> None:
    """Answers from sources come with checked marks."""
    text = "The harbour of Elm was built in 1887 by Ada Stone."
    answer = llm.ask("When was the harbour of Elm built?", {"text": text})
    assert "1887" in answer.text
    assert answer.supported
