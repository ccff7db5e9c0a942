"""What engines of model folders promise besides the contract of all engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.models.folders import plan_folder
from jupyter_localllm.types import ModelFolder
from tests.contracts import EngineContract


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    owner = Owner()
    yield owner
    owner.close()


class FolderContract(EngineContract):
    """Subclass it with `library`, and a fixture ``folder``."""

    library: Any

    @pytest.fixture
    def engine(self, folder: ModelFolder, owner: Owner) -> Iterator[FolderEngine]:
        engine = FolderEngine(folder, FolderSettings(n_ctx=1024, n_threads=1), owner, self.library, plan_folder)
        yield engine
        engine.close()
