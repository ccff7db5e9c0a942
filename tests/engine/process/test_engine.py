"""The engine in a child process keeps the contract of all engines; whatever ends the child, this process goes on."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_localllm.constrain import Choices
from jupyter_localllm.engine.asynchronous import iterate
from jupyter_localllm.engine.llama import LlamaSettings
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.engine.process import ProcessEngine
from jupyter_localllm.errors import ContextOverflow, EngineClosed, EngineError, UsageError
from jupyter_localllm.types import Done, Event, Job, ModelFile, Prompt, Status, Token
from tests.contracts import EngineContract, wait_for
from tests.engine.process.conftest import LONG, SETTINGS, SHORT, alive, answer, begun, file_of

Make = Callable[..., ProcessEngine]

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def until(released: threading.Event, engine: ProcessEngine, job: Job = SHORT) -> None:
    """Ask, in a thread that `released` lets go."""
    cancel_scope.set(released)
    list(engine.generate(job))


@pytest.fixture(scope="module")
def shared(model_file: ModelFile) -> Iterator[ProcessEngine]:
    engine = ProcessEngine(model_file, LlamaSettings(n_ctx=2048, n_threads=1))
    yield engine
    engine.close()


@pytest.mark.model
class TestProcess(EngineContract):
    @pytest.fixture
    def engine(self, request: pytest.FixtureRequest, model_file: ModelFile, make: Make) -> ProcessEngine:
        if not request.node.get_closest_marker("own_engine"):
            shared: ProcessEngine = request.getfixturevalue("shared")
            return shared
        return make(model_file, LlamaSettings(n_ctx=2048, n_threads=1))

    def test_knows_the_capital(self, engine: ProcessEngine) -> None:
        """The real model gives its real answer, through the pipe."""
        assert self.finish(list(engine.generate(self.job(engine)))).text == "The capital of Japan is Tokyo."

    @pytest.mark.own_engine
    def test_loading_is_told(self, engine: ProcessEngine) -> None:
        """Loading reports parts from 0 to 1, in order."""
        parts = [event.fraction or 0.0 for event in engine.load()]
        assert parts[0] == 0.0
        assert parts[-1] == 1.0
        assert parts == sorted(parts)

    @posix
    @pytest.mark.own_engine
    def test_kill_in_the_middle_of_two_answers(self, engine: ProcessEngine) -> None:
        """kill -9 of the child ends both requests with the error; variables live; the next request works."""
        variables = {"before": 41}
        job = self.job(engine, "Tell me a long story.", max_tokens=400)
        first = engine.generate(job)
        errors: list[EngineError] = []

        def read(stream: Iterator[Event]) -> None:
            with pytest.raises(EngineError, match="SIGKILL") as caught:
                list(stream)
            errors.append(caught.value)

        while not isinstance(next(first), Token):
            pass
        threads = [threading.Thread(target=read, args=(stream,)) for stream in (first, begun(engine, job))]
        for thread in threads:
            thread.start()
        os.kill(engine.pid, signal.SIGKILL)
        for thread in threads:
            thread.join(30)
        assert len(errors) == 2
        assert errors[0] is not errors[1]
        for error in errors:
            assert "untouched" in error.message
            assert "smaller model" in error.hint
        assert not engine.loaded
        assert variables["before"] + 1 == 42
        assert "Tokyo" in self.finish(list(engine.generate(self.job(engine)))).text
        assert engine.loaded


@posix
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGILL", "SIGTERM"])
def test_deaths_are_named(make: Make, name: str) -> None:
    """The error names the signal and what to do, and nothing is asked again by itself."""
    engine = make()

    def kill() -> None:
        for _ in range(20):  # on a busy machine a tiny model has said all before the signal comes
            stream = begun(engine)
            os.kill(engine.pid, getattr(signal, name))
            list(stream)

    with pytest.raises(EngineError, match=name) as caught:
        kill()
    assert "untouched" in caught.value.message
    assert "starts it again" in caught.value.hint
    assert not engine.loaded
    assert engine.pid == 0
    assert answer(engine)
    assert engine.pid


@posix
def test_a_death_while_nobody_waits(make: Make) -> None:
    """A child that died between two requests is started again without a word of error."""
    engine = make()
    want = answer(engine)
    os.kill(engine.pid, signal.SIGKILL)
    wait_for(lambda: not engine.loaded)
    assert answer(engine) == want


def test_a_request_loads(make: Make) -> None:
    """Whatever is asked first starts the process and loads the model."""
    for ask in (ProcessEngine.info, lambda e: e.count(["a"]), lambda e: e.count_prompt(["a"]), answer):
        engine = make()
        assert engine.pid == 0
        ask(engine)
        assert engine.loaded
        assert engine.pid != os.getpid()


def test_errors_of_the_child_keep_their_class(make: Make) -> None:
    """A prompt that is too long is a `ContextOverflow` with its figures and its hint; the engine goes on."""
    engine = make()
    with pytest.raises(ContextOverflow, match="512") as caught:
        list(engine.generate(Job(Prompt((), ("word " * 2000,)), max_tokens=2)))
    assert caught.value.hint
    assert answer(engine)


def test_what_cannot_be_sent_is_told(make: Make) -> None:
    """A constraint that is no plain value is the asker's error, not the engine's."""
    with pytest.raises(UsageError, match="cannot be sent"):
        list(make().generate(Job(Prompt((), ("a",)), constraint=lambda: None)))


def test_a_broken_file_is_an_error(make: Make, tmp_path: Path) -> None:
    """A file that llama.cpp refuses is an `EngineError` with its reason, each time."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 64)
    engine = make(file_of(path))
    for _ in range(2):
        with pytest.raises(EngineError, match="could not load"):
            list(engine.load())
    assert not engine.loaded


def test_unload_ends_the_process(make: Make) -> None:
    """After `unload` there is no process; `discard` does not wait for that, but it comes."""
    engine = make()
    for leave in (engine.unload, engine.discard):
        answer(engine)
        pid = engine.pid
        assert alive(pid)
        leave()
        wait_for(lambda pid=pid: not alive(pid))  # type: ignore[misc]
        assert not engine.loaded
    with pytest.raises(EngineClosed):
        answer(engine)


def test_an_engine_that_is_forgotten_ends_its_process(tiny: ModelFile) -> None:
    """Nobody needs to close: the process goes with the engine."""
    engine = ProcessEngine(tiny, SETTINGS)
    answer(engine)
    pid = engine.pid
    del engine
    gc.collect()
    wait_for(lambda: not alive(pid))


def test_many_requests_at_once(make: Make) -> None:
    """Fifty requests from fifty threads, more than the child runs at a time, are all answered alike."""
    engine = make(settings=LlamaSettings(n_ctx=512, n_threads=1, n_parallel=4))
    want, got = answer(engine), [""] * 50
    seen: list[Event] = []

    def run(i: int) -> None:
        for event in engine.generate(SHORT):
            if isinstance(event, Done):
                got[i] = event.result.text
            seen.append(event)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert got == [want] * 50


def test_waiting_is_told(make: Make) -> None:
    """Who waits because the child runs as many as it may hears so, and gets the answer then."""
    engine = make(settings=LlamaSettings(n_ctx=2048, n_threads=1, n_parallel=1))
    job = Job(LONG.prompt, max_tokens=1900)
    first, second = begun(engine, job), engine.generate(SHORT)
    waiting = next(second)
    assert isinstance(waiting, Status)
    assert waiting.stage == "waiting"
    first.close()  # type: ignore[attr-defined]
    assert isinstance(list(second)[-1], Done)


def test_leaving_the_queue_is_answered_at_once(make: Make) -> None:
    """A request that is cancelled before its turn is gone while another still runs, so nobody takes the child for deaf.

    The answer is bound to a text of 18,000 characters, so it is long enough whatever the model would say.
    """
    engine = make(settings=LlamaSettings(n_ctx=30_000, n_threads=1, n_parallel=1))
    first = begun(engine, Job(LONG.prompt, max_tokens=20_000, constraint=Choices(["ab" * 9_000])))
    second = engine.generate(SHORT)
    assert isinstance(next(second), Status)
    link = engine._link
    assert link is not None
    running, _ = link._calls
    second.close()
    wait_for(lambda: list(link._calls) == [running], 5.0)
    first.close()  # type: ignore[attr-defined]
    assert answer(engine)


def test_cancelling_waits_for_nothing(make: Make) -> None:
    """Closing a generation, once or twice, leaves a child that answers the next with nothing of the old in it."""
    engine = make()
    want = answer(engine)
    for _ in range(20):
        stream = engine.generate(LONG)
        next(stream)
        stream.close()
        stream.close()
    assert answer(engine) == want


def test_a_scope_lets_go(make: Make) -> None:
    """A thread that waits is let go by its cancel scope, as asyncio's helpers need it."""
    engine = make()
    list(engine.load())
    link = engine._link
    assert link is not None
    released = threading.Event()
    thread = threading.Thread(target=until, args=(released, engine, LONG))
    thread.start()
    wait_for(lambda: bool(link._calls))
    released.set()
    thread.join(30)
    assert not thread.is_alive()
    wait_for(lambda: not link._calls)
    assert answer(engine)


def test_from_async_code(make: Make) -> None:
    """`iterate` works with it."""

    async def run() -> list[Event]:
        return [event async for event in iterate(lambda: make().generate(SHORT))]

    assert isinstance(asyncio.run(run())[-1], Done)


def test_an_interrupt_leaves_no_request(make: Make) -> None:
    """Ctrl-C while waiting ends the wait, and the child hears of it."""
    engine = make()
    stream = begun(engine)
    link = engine._link
    assert link is not None
    with pytest.raises(KeyboardInterrupt):
        stream.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    wait_for(lambda: not link._calls)
    assert answer(engine)


def test_a_child_that_does_not_stop_is_ended(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was cancelled and stays where it is does not hold the next one for ever."""
    monkeypatch.setattr("jupyter_localllm.engine.process.link._STOP_SECONDS", 0.2)
    engine = make()
    answer(engine)
    os.kill(engine.pid, signal.SIGSTOP)
    link = engine._link
    assert link is not None
    released = threading.Event()
    thread = threading.Thread(target=until, args=(released, engine))
    thread.start()
    wait_for(lambda: bool(link._calls))
    released.set()
    thread.join(30)
    with pytest.raises(EngineError, match="did not stop"):
        answer(engine)
    assert answer(engine)


@posix
def test_an_interrupt_of_the_group_misses_the_child(make: Make) -> None:
    """The child is in no process group of ours, so Ctrl-C in a terminal does not reach it."""
    engine = make()
    answer(engine)
    assert os.getpgid(engine.pid) != os.getpgid(0)


@pytest.mark.skipif(not os.path.exists("/proc/self/oom_score_adj"), reason="Linux")
def test_the_child_goes_first(make: Make) -> None:
    """When memory runs out the system ends the child before the kernel."""
    engine = make()
    answer(engine)
    with open(f"/proc/{engine.pid}/oom_score_adj") as file:
        assert int(file.read()) == 1000


def test_files_beside_the_notebook_are_not_imported(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's own queue.py or json.py in the working directory has no part in the child."""
    for name in ("queue", "json", "pickle", "types", "llama_cpp"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('this is mine')")
    monkeypatch.chdir(tmp_path)
    assert answer(make())
