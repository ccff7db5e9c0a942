"""Transformers in process keeps the contract of all engines, with a model that is made here."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("transformers", reason="the extra transformers is not installed")

from jupyter_localllm.engine.inprocess import open_transformers
from jupyter_localllm.models.folders import describe_folder
from jupyter_localllm.types import ModelFolder
from tests.engine.inprocess.contract import FolderContract, owner  # noqa: F401 - a fixture
from tests.tiny_folders import make_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    path = make_folder(tmp_path_factory.mktemp("models") / "tiny")
    return describe_folder(path, "tiny", "transformers", str)


class TestTransformers(FolderContract):
    library = staticmethod(open_transformers)
