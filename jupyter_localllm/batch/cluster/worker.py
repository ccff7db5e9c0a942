"""What runs on the workers: one resident model, and the tasks that ask it.

The model is held by a plugin, which every worker gets, also one that comes later. The tasks bring their settings along:
where they differ from those of the resident model, it is put away once nobody uses it, and the other one is loaded.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from distributed import Reschedule, WorkerPlugin, get_worker

from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.batch.mapping import runner_for
from jupyter_localllm.batch.run import Outcome, RowPrompt, Runner, is_of_the_run, reworded, run
from jupyter_localllm.engine.llama import usable_cores
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError, LocalLLMError, UsageError

__all__ = ["PLUGIN", "ResidentModel", "answer_prompts", "asking", "model_sha256", "register", "there"]

PLUGIN = "jupyter_localllm"

_POLL_SECONDS = 0.05


class ResidentModel(WorkerPlugin):  # type: ignore[misc]
    """Holds the one model of a worker, and lets go of rows that nobody waits for any more."""

    idempotent = True  # the plugin that is there already holds a model

    def __init__(self) -> None:
        self._handle: Any = None
        self._settings: dict[str, Any] = {}
        self._users = 0
        self._changed: Any = None
        self._running: dict[str, threading.Event] = {}
        self.address = ""

    def __reduce__(self) -> Any:
        return ResidentModel, ()

    def setup(self, worker: Any) -> None:
        """Take note of where this is; the model is loaded when the first row comes."""
        self._changed = threading.Condition()
        self.address = str(worker.address)

    def teardown(self, worker: Any) -> None:
        """Put the model away."""
        with self._changed:
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Tell a task that is running when the scheduler takes it back: Dask itself does not stop it."""
        if start == "executing" and finish == "released" and str(key) in self._running:
            self._running[str(key)].set()

    @contextlib.contextmanager
    def task(self) -> Iterator[None]:
        """Be let go when nobody wants the result of the present task any more."""
        key = str(get_worker().get_current_task())
        released = self._running.setdefault(key, threading.Event())
        token = cancel_scope.set(released)
        try:
            yield
            stopped = released.is_set()
        except EngineError:
            stopped = released.is_set()
            if not stopped:
                raise
        finally:
            cancel_scope.reset(token)
            self._running.pop(key, None)
        if stopped:
            raise Reschedule  # by somebody who still wants it, if there is anybody

    @contextlib.contextmanager
    def handle(self, work: Work) -> Iterator[Any]:
        """The handle with these settings; waits while the model is used with others."""
        wanted = dict(work.settings)
        with self._changed:
            while self._users and wanted != self._settings:
                self._changed.wait(_POLL_SECONDS)
                released = cancel_scope.get()
                if released is not None and released.is_set():
                    raise EngineError("the rows were taken back")
            if self._handle is None or wanted != self._settings:
                if self._handle is not None:
                    self._handle.close()
                self._handle, self._settings = self._made(work), wanted
            if self._handle.adapter_sha256() != work.adapter_sha256:
                raise UsageError(
                    f"there is another file under the adapter's name {work.settings.get('adapter')} than on the machine"
                    " that asks, so the answers would not be those of one model",
                    "Put the same file everywhere, or name it by a path that is the same on all machines.",
                )
            self._users += 1
            handle = self._handle
        try:
            yield handle
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def _made(self, work: Work) -> Any:
        handle = work.make(**work.settings)
        neighbours = work.neighbours.get(host_of(self.address), 1)
        if neighbours > 1 and handle.origin("n_threads") == "default":
            # Each worker would take all cores; threads that wait for a core slow all others down.
            handle.close()
            handle = work.make(**work.settings, n_threads=max(1, usable_cores() // neighbours))
        return handle


def host_of(address: str) -> str:
    """The machine of a worker's address.

    Examples
    --------
    >>> host_of("tcp://10.0.0.7:35123")
    '10.0.0.7'
    """
    return urlsplit(address).hostname or address


def register(client: Any) -> None:
    """Give every worker the plugin, those that come later too; nothing to do where it is."""
    client.register_plugin(ResidentModel(), name=PLUGIN)


def resident() -> ResidentModel:
    """The plugin of the worker on which this runs."""
    plugin: ResidentModel = get_worker().plugins[PLUGIN]
    return plugin


@contextlib.contextmanager
def asking(work: Work) -> Iterator[Runner]:
    """A runner on this worker's model, for the present task."""
    plugin = resident()
    with plugin.task(), plugin.handle(work) as handle, work.ask(handle, work.options) as ask:
        yield runner_for(ask, work.width)


def answer_prompts(work: Work, prompts: tuple[RowPrompt, ...]) -> list[Outcome]:
    """Have some prompts answered by this worker's model; a task of the cluster."""
    try:
        with asking(work) as runner:
            steps = run(prompts, runner)
            with contextlib.closing(steps):
                return [_told(step) for step in steps if isinstance(step, Outcome)]
    except LocalLLMError as error:  # of the handle, so of all rows alike
        return [_told(Outcome(prompt.position, error=error)) for prompt in prompts]


def model_sha256(work: Work) -> str:
    """The sha256 of the model as this worker has it; a task of the cluster."""
    plugin = resident()
    with plugin.task(), plugin.handle(work) as handle:
        return str(handle.model_sha256())


def _told(outcome: Outcome) -> Outcome:
    """Say on which worker it happened, where that matters."""
    if outcome.error is None or not is_of_the_run(outcome.error):
        return outcome
    return replace(outcome, error=there(outcome.error, resident().address))


def there(error: LocalLLMError, address: str) -> LocalLLMError:
    """The same error, with the worker that it comes from."""
    hint = "The workers need the model, too: in the same place, or in a folder of model_dirs."
    told = error.hint if type(error).__name__ != "ModelNotFound" else f"{error.hint}\n{hint}".strip()
    return reworded(error, f"on the worker {address}: {error.message}", told)
