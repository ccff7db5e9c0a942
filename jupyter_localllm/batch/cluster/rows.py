"""The rows of ordinary data, asked on a cluster: prompts go there, answers come back.

Prompts are made here, and equal ones are asked once. What the cache of this machine has is not asked at all, and what
comes back goes into it: so a rerun goes on where the first run stopped, whatever became of the cluster.
"""

from __future__ import annotations

import contextlib
import time
import uuid
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import distributed

from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.batch.cluster.worker import answer_prompts, model_sha256, register
from jupyter_localllm.batch.run import Outcome, RowPrompt, Step
from jupyter_localllm.engine.asynchronous import stopped
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.types import Part, Result, Status

__all__ = ["NO_WORKERS", "Files", "OnCluster", "Workers", "error_of", "killed_workers", "sha256_there", "wait_for_task"]

NO_WORKERS = "the cluster has no workers: waiting for one"

_POLL_SECONDS = 0.02
_COUNT_SECONDS = 2.0  # workers come and go
_FETCH_SECONDS = 1.0  # for what is finished when a map is broken off
_BATCH_CHARS = 1 << 20  # prompts of one task: Dask warns of tasks that are larger than 10 MB
_AHEAD = 2  # tasks for each thread of the cluster: one that runs, one that waits there


@dataclass(frozen=True)
class Files:
    """The cache of this machine, as rows need it.

    Parameters
    ----------
    recall : callable
        Gives the result for a prompt, or None; may raise what it is not to be asked for (`CacheMiss`).
    keep : callable
        Takes a prompt and the result that came for it, and gives the result with what is to be said of it.
    """

    recall: Callable[[tuple[Part, ...]], Result | None]
    keep: Callable[[tuple[Part, ...], Result], Result]


class Workers:
    """The workers of a cluster, as they were a moment ago: to ask is a way to the scheduler and back.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._threads = 0
        self._counted = float("-inf")

    def threads(self) -> int:
        """Threads of all of them."""
        if time.monotonic() - self._counted > _COUNT_SECONDS:
            self._threads = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        return self._threads


@dataclass
class _Sent:
    future: Any
    prompts: dict[int, RowPrompt] = field(default_factory=dict)


class OnCluster:
    """A `Runner` that has prompts answered by the workers of a cluster.

    A task is a batch of prompts, which its worker decodes together. Dask runs the tasks of a worker that is lost again
    on others. A batch on which worker after worker dies is given up: all its rows fail.

    Parameters
    ----------
    client : distributed.Client
    work : Work
    files : Files
    """

    def __init__(self, client: Any, work: Work, files: Files) -> None:
        self._client = client
        self._work = work
        self._files = files
        self._outer = cancel_scope.get()
        self._batch: list[RowPrompt] = []
        self._chars = 0
        self._sent: dict[str, _Sent] = {}
        self._arrived = distributed.as_completed(with_results=True, raise_errors=False, loop=client.loop)
        self._name = f"jupyter_localllm-rows-{uuid.uuid4().hex[:12]}"
        self._count = 0
        self._workers = Workers(client)
        self._registered = False

    def submit(self, prompt: RowPrompt) -> Generator[Step, None, None]:
        """Look it up; if it is new, send it with others as soon as there are enough of them."""
        try:
            result = self._files.recall(prompt.parts)
        except LocalLLMError as error:
            yield Outcome(prompt.position, error=error)
            return
        if result is not None:
            yield Outcome(prompt.position, result)
            return
        self._batch.append(prompt)
        self._chars += sum(len(part.text) for part in prompt.parts)
        if len(self._batch) >= self._work.width or self._chars >= _BATCH_CHARS:
            yield from self._send()
        yield from self._steps()

    def finish(self) -> Generator[Step, None, None]:
        """Send the rest, and wait for everything."""
        if self._batch:
            yield from self._send()
        while self._sent:
            yield from self._waited()

    def close(self) -> None:
        """Keep what is finished, and take back whatever is out there."""
        futures = [sent.future for sent in self._sent.values()]
        try:
            with contextlib.suppress(Exception):  # a cluster that is gone has nothing to give
                self._keep_finished()
        finally:  # also where a second interrupt comes
            self._sent.clear()
            if futures:
                with contextlib.suppress(Exception):  # nor anything to take back
                    self._client.cancel(futures, force=True)

    def _keep_finished(self) -> None:
        """Keep the rows that are finished and have not come yet; not for long, somebody wants to go."""
        for sent in self._sent.values():
            if sent.future.status == "finished":
                for outcome in sent.future.result(timeout=_FETCH_SECONDS):
                    if outcome.result is not None:
                        self._files.keep(sent.prompts[outcome.position].parts, outcome.result)

    def _send(self) -> Generator[Step, None, None]:
        if not self._registered:
            yield Status("cluster", f"asking {self._client.scheduler.address}")
            register(self._client)
            self._registered = True
        while len(self._sent) >= _AHEAD * max(2, self._workers.threads()):
            yield from self._waited()
        batch, self._batch, self._chars = self._batch, [], 0
        self._count += 1
        key = f"{self._name}-{self._count}"
        future = self._client.submit(answer_prompts, self._work, tuple(batch), key=key, pure=False)
        self._sent[key] = _Sent(future, {prompt.position: prompt for prompt in batch})
        self._arrived.add(future)

    def _waited(self) -> Generator[Step, None, None]:
        """Wait a moment for something to come, and give it."""
        if not self._arrived.has_ready():
            time.sleep(_POLL_SECONDS)
        if not self._workers.threads():
            yield Status("cluster", NO_WORKERS)
        yield from self._steps()

    def _steps(self) -> Generator[Step, None, None]:
        if self._outer is not None and self._outer.is_set():
            raise stopped()
        if self._client.status != "running":
            raise EngineError(
                f"the client of the cluster is {self._client.status}",
                "The rows that are finished are in the cache: connect again and run the map again.",
            )
        while self._arrived.has_ready():
            for future, told in self._arrived.next_batch(block=False):
                sent = self._sent.pop(future.key)
                future.release()
                yield from self._outcomes(told, sent.prompts)

    def _outcomes(self, told: Any, prompts: dict[int, RowPrompt]) -> Generator[Step, None, None]:
        if not isinstance(told, list):
            error = error_of(told)
            for position in prompts:
                yield Outcome(position, error=error)
            return
        for outcome in told:
            if outcome.result is None:
                yield outcome
            else:
                yield Outcome(outcome.position, self._files.keep(prompts[outcome.position].parts, outcome.result))


def error_of(told: Any) -> LocalLLMError:
    """What the person should read of a task that failed; raises what ends the map.

    Parameters
    ----------
    told : object
        What `distributed.as_completed` gives in place of a result.
    """
    error = _cause_of(told)
    if isinstance(error, LocalLLMError):
        return error
    if isinstance(error, distributed.KilledWorker):
        count = error.allowed_failures + 1
        died = "a worker died" if count == 1 else f"{count} workers died, one after the other,"
        return EngineError(
            f"{died} while this row and those asked with it were answered",
            "Too little memory for the model, perhaps, or a build of llama.cpp that dies on it; see the workers' logs.",
        )
    if isinstance(error, distributed.CancelledError):
        raise EngineError(
            "the cluster was restarted, or took the rows back",
            "The rows that are finished are kept: connect again if need be, and run the map again.",
        ) from error
    name = type(error).__name__
    return EngineError(f"the cluster could not ask it: {name}: {error}", "The workers' logs say more.")


def killed_workers(told: Any) -> bool:
    """Whether a task that failed was given up because worker after worker died on it."""
    return isinstance(_cause_of(told), distributed.KilledWorker)


def _cause_of(told: Any) -> Any:
    return told[1] if isinstance(told, tuple) and len(told) > 1 else told


def wait_for_task(client: Any, future: Any) -> None:
    """Wait for a task that comes before the rows; where no worker is there to run it, a warning says so.

    Raises
    ------
    EngineError
        The client was closed, or nobody waits any more.
    """
    workers, released, told = Workers(client), cancel_scope.get(), False
    while not future.done():
        if released is not None and released.is_set():
            raise stopped("map")
        if client.status != "running":
            raise EngineError(f"the client of the cluster is {client.status}", "Connect again, and run the map again.")
        if not told and not workers.threads():
            warnings.warn(NO_WORKERS, RuntimeWarning, stacklevel=2)
            told = True
        time.sleep(_POLL_SECONDS)


def sha256_there(client: Any, work: Work) -> str:
    """The sha256 of the model, from a worker: this machine has no file of it.

    Raises
    ------
    LocalLLMError
        The workers have none either.
    """
    register(client)
    future = client.submit(model_sha256, work, pure=False)
    wait_for_task(client, future)
    arrived = distributed.as_completed([future], with_results=True, raise_errors=False, loop=client.loop)
    for _, told in arrived:
        if not isinstance(told, str):
            raise error_of(told)
        return told
    raise stopped()
