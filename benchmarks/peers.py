"""Other ways to the same llama.cpp: each in a process of its own, asked as its users ask it.

``python -m benchmarks.peers KIND OPTIONS`` is the child for those that are Python libraries: one JSON request on each
line of its input, one JSON answer on each line of its output.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

__all__ = ["PEERS", "Child", "Clock", "Peer", "Server", "chunks_of"]

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 120.0
_WINDOW = 4096


class Peer(Protocol):
    """Somebody who answers."""

    def ask(self, system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
        """``first_ms``, ``tokens_per_second``, ``tokens``, ``text``, ``finish`` of a greedy answer."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Clock:
    """Keeps the time of the chunks of one ``chat.completion`` stream."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._times: list[float] = []
        self._text = self._finish = ""

    def chunk(self, chunk: dict[str, Any]) -> None:
        """Take the next chunk."""
        for choice in chunk.get("choices") or ():
            text = (choice.get("delta") or {}).get("content")
            if text:
                self._times.append(time.perf_counter())
                self._text += text
            self._finish = choice.get("finish_reason") or self._finish

    def answer(self, max_tokens: int) -> dict[str, Any]:
        """The figures; an answer that was cut has as many tokens as it might, of others the chunks are counted."""
        if not self._times:
            raise RuntimeError("the answer is empty")
        tokens = max_tokens if self._finish == "length" else len(self._times)
        return {
            "first_ms": (self._times[0] - self._begun) * 1000,
            "tokens_per_second": (tokens - 1) / max(self._times[-1] - self._times[0], 1e-9),
            "tokens": tokens,
            "text": self._text,
            "finish": self._finish,
        }


def _request(system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
    return {"messages": messages, "max_tokens": max_tokens, "temperature": 0.0, "stream": True}


class Child:
    """A Python library in a child process of its own."""

    def __init__(self, kind: str, log: Path, **options: Any) -> None:
        self._log = log.open("w")
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers", kind, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def ask(self, system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
        """See `Peer`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(_request(system, prompt, max_tokens)) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"the child ended with {self._process.wait()}: {_tail(self._log.name)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """See `Peer`."""
        _end(self._process)
        self._log.close()


class Server:
    """A server on the loopback interface, with OpenAI's way of asking."""

    def __init__(self, command: Callable[[int], list[str]], log: Path, env: dict[str, str] | None = None) -> None:
        self._port = _free_port()
        self._log = log.open("w")
        self._process = subprocess.Popen(
            command(self._port), stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def ask(self, system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
        """See `Peer`."""
        body = json.dumps(_request(system, prompt, max_tokens))
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        clock = Clock()
        try:
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise RuntimeError(f"the server says {response.status}: {response.read()[:500]!r}")
            for chunk in chunks_of(response):
                clock.chunk(chunk)
        finally:
            connection.close()
        return clock.answer(max_tokens)

    def close(self) -> None:
        """See `Peer`."""
        _end(self._process)
        self._log.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            with contextlib.suppress(OSError):
                connection.request("GET", "/v1/models")
                if connection.getresponse().status == 200:
                    return
            connection.close()
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {_tail(self._log.name)}")


def chunks_of(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON values of server-sent events, up to ``[DONE]``."""
    for line in lines:
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        yield json.loads(data)


def _xllamacpp(bench: Any) -> Peer:
    return Child("xllamacpp", bench.folder / "xllamacpp.log", **child_options(bench))


def _llama_server(bench: Any) -> Peer:
    tools = bench.reference
    options = ("-c", _WINDOW, "-fa", "on", "-np", 1, "--host", "127.0.0.1")

    def command(port: int) -> list[str]:
        return [tools.command("llama-server"), *map(str, (*bench.common, *options, "--port", port))]

    return Server(command, bench.folder / "llama-server.log", tools.environment)


def _llama_cpp_server(bench: Any) -> Peer:
    options = ("--n_ctx", _WINDOW, "--n_threads", bench.threads, "--n_threads_batch", bench.threads)
    more = ("--flash_attn", "true", "--n_gpu_layers", bench.gpu_layers, "--host", "127.0.0.1")

    def command(port: int) -> list[str]:
        module = [sys.executable, "-m", "llama_cpp.server", "--model", str(bench.model)]
        return [*module, *map(str, (*options, *more, "--port", port))]

    return Server(command, bench.folder / "llama_cpp-server.log")


_SERVER_NEEDS = ("uvicorn", "fastapi", "pydantic_settings", "sse_starlette", "starlette_context")

PEERS: dict[str, tuple[tuple[str, ...], Callable[[Any], Peer]]] = {
    "xllamacpp": (("xllamacpp",), _xllamacpp),
    "llama-server": ((), _llama_server),
    "llama_cpp.server": (_SERVER_NEEDS, _llama_cpp_server),
}
"""By name: the modules that it needs, and how it is started."""


def child_options(bench: Any, **more: Any) -> dict[str, Any]:
    """What a `Child` needs to know of a bench."""
    return {"model": str(bench.model), "threads": bench.threads, "gpu_layers": bench.gpu_layers, **more}


Stream = Callable[[dict[str, Any], Callable[[dict[str, Any]], None]], None]


def _serve_llama(options: dict[str, Any]) -> Stream:
    from llama_cpp import Llama

    llama = Llama(
        options["model"],
        n_ctx=_WINDOW,
        n_threads=options["threads"],
        n_threads_batch=options["threads"],
        n_gpu_layers=options["gpu_layers"],
        flash_attn=options["flash_attn"],
        verbose=False,
    )

    def stream(request: dict[str, Any], take: Callable[[dict[str, Any]], None]) -> None:
        chunks: Any = llama.create_chat_completion(**request)
        for chunk in chunks:
            take(chunk)

    return stream


def _serve_xllamacpp(options: dict[str, Any]) -> Stream:
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = options["model"]
    params.n_ctx, params.n_parallel = _WINDOW, 1
    params.n_gpu_layers = options["gpu_layers"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["threads"]
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    server = xllamacpp.Server(params)

    def stream(request: dict[str, Any], take: Callable[[dict[str, Any]], None]) -> None:
        server.handle_chat_completions(request, take)

    return stream


def _child(kind: str, options: dict[str, Any]) -> None:
    """Answer requests until the input ends; what libraries print goes to the log."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    stream = {"llama": _serve_llama, "xllamacpp": _serve_xllamacpp}[kind](options)
    for line in sys.stdin:
        request = json.loads(line)
        clock = Clock()
        stream(request, clock.chunk)
        answers.write(json.dumps(clock.answer(request["max_tokens"])) + "\n")
        answers.flush()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _tail(path: str) -> str:
    return Path(path).read_text(errors="replace")[-1000:]


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


if __name__ == "__main__":
    _child(sys.argv[1], json.loads(sys.argv[2]))
