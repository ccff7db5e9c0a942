"""Small model files for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_models import write_tiny_llama


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole, valid model of 0.4 MB that no test changes."""
    return write_tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny_bytes(tiny_path: Path) -> bytes:
    """Its content, to be changed in copies."""
    return tiny_path.read_bytes()
