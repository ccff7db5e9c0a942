"""An engine over a server that speaks OpenAI's protocol: vLLM, or llama-server behind a balancer.

A sketch to build on, until the backend of the package is there: no streaming, no log-probabilities, tokens are
estimated. Everything above the engine works: cache, maps, schemas, cited answers.

    llm = LocalLLM.from_engine(Endpoint("http://balancer:8000/v1", "qwen2.5-7b-instruct"), n_parallel=64)
    llm.map("Positive or negative? {{ value }}", texts)
"""

from __future__ import annotations

import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from typing import Any

from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineClosed, EngineError
from jupyter_localllm.types import Done, Event, Job, ModelInfo, Result, Status, Timings, Token, Usage

_POLL_SECONDS = 0.05


class Endpoint:
    """A model behind a URL.

    Parameters
    ----------
    url : str
        Up to ``/v1``.
    model : str
        As the server calls it. With the URL it stands for the weights: a server that serves others under the same
        name gives answers that the cache cannot tell from these.
    n_ctx : int, optional
        Window in tokens.
    timeout_s : float, optional
        For one answer.
    """

    loaded = True

    def __init__(self, url: str, model: str, *, n_ctx: int = 8192, timeout_s: float = 600.0) -> None:
        self.name = f"{model} at {url}"
        self._url, self._model, self._n_ctx, self._timeout_s = url.rstrip("/"), model, n_ctx, timeout_s

    def load(self) -> Generator[Status, None, None]:
        yield from ()

    def info(self) -> ModelInfo:
        return ModelInfo(self.name, self._n_ctx, renders=True)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) // 3 + 1 for text in texts]

    def count_prompt(self, pieces: Sequence[str]) -> int:
        return sum(self.count(pieces))

    def holds(self, constraint: Any) -> bool:
        return False  # the model is told in words, and its answer is validated

    def generate(self, job: Job) -> Generator[Event, None, None]:
        begun = time.perf_counter()
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=lambda: answer.put(self._post(job)), daemon=True).start()
        released = cancel_scope.get()
        while True:
            try:
                told = answer.get(timeout=_POLL_SECONDS)
                break
            except queue.Empty:
                if released is not None and released.is_set():
                    raise EngineClosed("the request was stopped") from None
        if isinstance(told, EngineError):
            raise told
        choice, used = told["choices"][0], told.get("usage", {})
        text = choice["message"].get("content") or ""
        passed_ms = (time.perf_counter() - begun) * 1000
        usage = Usage(used.get("prompt_tokens", 0), 0, used.get("completion_tokens", 0))
        finish = "length" if choice.get("finish_reason") == "length" else "stop"
        yield Token(text)
        yield Done(Result(text, "", finish, usage, Timings(passed_ms, passed_ms), self.name))

    def embed(self, texts: Sequence[str]) -> Any:
        raise EngineError(f"{self.name} does not embed", "Name an embedding model of your own.")

    def unload(self) -> None:
        """Nothing: the server keeps it."""

    close = unload

    def _post(self, job: Job) -> Any:
        sampling = job.sampling
        body = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in job.prompt.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "max_tokens": job.max_tokens,
            **({"stop": list(job.stop)} if job.stop else {}),
        }
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/chat/completions", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return EngineError(f"{self._url} answered {error.code}: {error.read(500).decode(errors='replace')}")
        except (OSError, ValueError) as error:
            return EngineError(f"{self._url} cannot be asked: {error}", "Is the server there?")
