"""Engines in child processes, of tiny models and of the real one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_localllm.engine.llama import LlamaSettings
from jupyter_localllm.engine.process import ProcessEngine
from jupyter_localllm.types import Done, Event, Job, ModelFile, Prompt, Token
from tests.tiny_models import write_tiny_llama

SETTINGS = LlamaSettings(n_ctx=512, n_threads=1)
LONG = Job(Prompt((), ("Tell me a story.",)), max_tokens=480)
SHORT = Job(Prompt((), ("Hello.",)), max_tokens=3)


def answer(engine: ProcessEngine, job: Job = SHORT) -> str:
    *_, done = engine.generate(job)
    assert isinstance(done, Done)
    return done.result.text


def begun(engine: ProcessEngine, job: Job = LONG) -> Iterator[Event]:
    """A generation that has said something."""
    stream = engine.generate(job)
    while not isinstance(next(stream), Token):
        pass
    return stream


def file_of(path: Path) -> ModelFile:
    return ModelFile(path.stem, str(path), "0" * 64, 0, "llama", 512, 0, 0, 512, 64, 128, 2, 4)


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not waited for does not)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        pass
    except OSError:
        return False
    if os.path.isdir("/proc/self"):
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    """A model of half a megabyte."""
    return file_of(write_tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny.gguf"))


@pytest.fixture
def make(tiny: ModelFile) -> Iterator[Callable[..., ProcessEngine]]:
    """Engines that are closed when the test ends."""
    made: list[ProcessEngine] = []

    def one(model: ModelFile = tiny, settings: LlamaSettings = SETTINGS, **options: object) -> ProcessEngine:
        made.append(ProcessEngine(model, settings, **options))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for engine in made:
        engine.close()
