"""A hub, and models for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.models.pull import Hub, Patience, Pulled, pull
from jupyter_localllm.types import Status
from tests.models.pull.server import FakeHub, serving
from tests.tiny_models import write_tiny_llama

REPOSITORY, FILE = "owner/tiny-GGUF", "tiny-Q4_K_M.gguf"
Puller = Callable[..., Pulled]


@pytest.fixture(scope="session")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole model of 0.4 MB."""
    return write_tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny.gguf").read_bytes()


@pytest.fixture
def hub(model_bytes: bytes) -> Iterator[FakeHub]:
    """A hub with one repository of one model."""
    with serving() as fake:
        fake.put(REPOSITORY, FILE, model_bytes)
        yield fake


@pytest.fixture
def here(hub: FakeHub, tmp_path: Path) -> Hub:
    """The environment of a person who uses it as a mirror."""
    return Hub({"HF_ENDPOINT": hub.url}, tmp_path / "home")


@pytest.fixture
def told() -> list[Status]:
    """What was told on the way."""
    return []


@pytest.fixture
def fetch(here: Hub, tmp_path: Path, told: list[Status]) -> Puller:
    """Pull into a folder of the test, without huggingface_hub and without waiting."""

    def run(wanted: str, **options: Any) -> Pulled:
        patience = options.pop("patience", Patience(tries=3, pause_s=0.0, silence_s=options.pop("silence_s", 5.0)))
        options = {"hub": here, "by_huggingface_hub": False, "patience": patience, "tell": told.append, **options}
        return pull(wanted, tmp_path / "models", options.pop("memo", {}), **options)

    return run
