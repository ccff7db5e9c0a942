"""A cluster of two processes on this machine, and a handle whose engine each of them makes for itself."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")

from distributed import Client, LocalCluster

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.runtime import EngineModel
from jupyter_localllm.types import Job


class Scripted(LocalLLM):
    """Answers with the question and, where a folder is set as its model's folder, notes there who answered what."""

    _engines: dict[str, ScriptedEngine] = {}  # noqa: RUF012 - of this process, as the runtime's are

    @property
    def engine(self) -> Any:
        return self._scripted()

    def _model(self) -> Any:
        return EngineModel(self._scripted())

    def _ready(self) -> Any:
        yield from self._scripted().load()
        return self._scripted()

    def _scripted(self) -> ScriptedEngine:
        folder = self.model_dirs[0] if self.model_dirs else ""
        if folder not in self._engines:
            name = f"scripted {os.getpid()}" if folder.endswith("different") else "scripted"
            self._engines[folder] = ScriptedEngine(_script(folder), name=name, delay_ms=5)
        return self._engines[folder]


def _script(folder: str) -> Callable[[Job], str]:
    if folder:
        (Path(folder) / f"engine-{os.getpid()}-{time.monotonic_ns()}").touch()

    def answer(job: Job) -> str:
        question = job.prompt.messages[-1].content
        if folder:
            with open(Path(folder) / f"asked-{os.getpid()}", "a", encoding="utf-8") as file:
                file.write(question + "\n")
        if question == "fall":
            raise ValueError("it fell")
        if question == "die":
            os._exit(1)
        if question.startswith("{"):
            return question
        return "re: " + question

    return answer


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes of one thread each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as made:
            yield made


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with Client(cluster, set_as_default=False) as made:
        made.wait_for_workers(2)
        yield made


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where the workers note what they were asked."""
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def llm(notes: Path, tmp_path: Path) -> LocalLLM:
    return Scripted(model_dirs=[str(notes)], cache_dir=str(tmp_path / "cache"), n_parallel=4)


@pytest.fixture
def asked(notes: Path) -> Callable[[], dict[int, list[str]]]:
    """What each process was asked so far."""

    def read() -> dict[int, list[str]]:
        return {
            int(file.name.removeprefix("asked-")): file.read_text("utf-8").splitlines()
            for file in notes.glob("asked-*")
        }

    return read
