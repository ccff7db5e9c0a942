"""MLX in process keeps the contract of all engines, on Linux's CPU with a model that is made here."""

from __future__ import annotations

import pytest

pytest.importorskip("mlx.core", reason="the extra mlx is not installed")
pytest.importorskip("mlx_lm", reason="the extra mlx is not installed")

from jupyter_localllm.engine.inprocess import open_mlx
from jupyter_localllm.models.folders import describe_folder
from jupyter_localllm.types import ModelFolder
from tests.engine.inprocess.contract import FolderContract, owner  # noqa: F401 - a fixture
from tests.tiny_folders import make_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    path = make_folder(tmp_path_factory.mktemp("models") / "tiny")
    return describe_folder(path, "tiny", "mlx", str)


class TestMlx(FolderContract):
    library = staticmethod(open_mlx)
