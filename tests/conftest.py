"""Fixtures for all tests: nothing of the person who runs them is read or written."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.models import find
from jupyter_localllm.types import ModelFile

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job; interrupts are what some tests are about
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def private_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches and settings of this machine's user stay out of the tests."""
    for name in [n for n in os.environ if n.startswith("JUPYTER_LOCALLLM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_LOCALLLM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
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
