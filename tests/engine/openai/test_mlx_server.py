"""``mlx_lm.server`` on loopback, with a model that the test makes: random weights, a tokenizer of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("mlx_lm", reason="the extra mlx is not installed")
pytest.importorskip("tokenizers", reason="the package tokenizers is not installed")

from jupyter_localllm.engine.base import Engine
from tests.contracts import EngineContract, wait_for
from tests.engine.openai.test_real import answers
from tests.engine.served.engines import openai_engine
from tests.tiny_folders import make_folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = make_folder(tmp_path_factory.mktemp("mlx") / "tiny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlx_lm.server", "--model", str(folder), "--host", "127.0.0.1"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}/v1"
            wait_for(lambda: process.poll() is not None or answers(url), 60)
            assert process.poll() is None, "the server did not start"
            yield url, folder
        finally:
            process.terminate()
            process.wait(20)


class TestMlxServer(EngineContract):
    """The contract, over MLX's server."""

    @pytest.fixture
    def engine(self, server: tuple[str, Path]) -> Iterator[Engine]:
        url, folder = server
        engine = openai_engine(f"{folder}@{url}", n_ctx=1024)
        yield engine
        engine.close()
