"""Fixtures for all tests: nothing of the person who runs them is read or written."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings

from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.models import find
from jupyter_localllm.types import ModelFile

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job; interrupts are what some tests are about
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ours", deadline=None)  # no test looks at the clock; pytest-timeout ends what hangs
settings.load_profile("ours")


@pytest.fixture(autouse=True)
def private_places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caches and settings of this machine's user stay out of the tests."""
    for name in [n for n in os.environ if n.startswith("JUPYTER_LOCALLLM_")]:
        monkeypatch.delenv(name)
    cache = tmp_path_factory.mktemp("cache")
    if request.node.get_closest_marker("model"):
        request.getfixturevalue("seen_model")(cache)
    monkeypatch.setenv("JUPYTER_LOCALLLM_CACHE_DIR", str(cache))
    monkeypatch.setenv("JUPYTER_LOCALLLM_PULL_DIR", str(tmp_path_factory.mktemp("pulled")))
    monkeypatch.setenv("JUPYTER_LOCALLLM_MODEL_PLACES", "")
    monkeypatch.setenv("JUPYTER_LOCALLLM_N_THREADS", "1")  # two threads and another process do not share two cores
    monkeypatch.setenv("JUPYTER_LOCALLLM_CALIBRATE", "false")  # four seconds for each fresh cache; it has its own tests


@pytest.fixture(autouse=True)
def clean_runtime() -> Iterator[None]:
    """Each test ends with nothing resident, and with nothing that lets later ones go."""
    yield
    left = cancel_scope.get()
    cancel_scope.set(None)
    assert left is None, "cancel_scope was set in the tests' own context: run it in a copy, or reset it"
    runtime = sys.modules.get("jupyter_localllm.runtime")
    if runtime is not None:
        runtime.reset()


@pytest.fixture(scope="session")
def model_file() -> ModelFile:
    """The real model of the tests, SmolLM2-135M-Instruct."""
    return find("smollm2-135m-instruct", memo={})


@pytest.fixture(scope="session")
def model_path(model_file: ModelFile) -> Path:
    """Its file."""
    return Path(model_file.path)


@pytest.fixture(scope="session")
def seen_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Gives a cache directory the memo of one in which the real model was used before.

    The first use tries the file in a child process, which takes seconds; `tests/engine/llama/test_check.py` and
    `tests/kernel/test_survival.py` are about it.
    """
    from jupyter_localllm import LocalLLM, runtime

    seen = tmp_path_factory.mktemp("seen")
    with closing(LocalLLM(model="smollm2-135m-instruct", n_threads=1, calibrate=False, cache_dir=str(seen))) as llm:
        llm.load()
    runtime.reset()

    def give(directory: Path) -> None:
        shutil.copytree(seen / "memo", directory / "memo")

    return give
