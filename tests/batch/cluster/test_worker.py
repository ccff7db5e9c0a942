"""The one model of a worker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.batch.cluster.worker import ResidentModel
from jupyter_localllm.errors import UsageError


class Held:
    """A handle whose adapter is this machine's."""

    def __init__(self, **settings: Any) -> None:
        self.adapter = settings["adapter"]

    def origin(self, name: str) -> str:
        return "default"

    def adapter_sha256(self) -> str:
        return "that of the worker"

    def close(self) -> None:
        pass


def test_another_adapter_under_the_same_name() -> None:
    """Its answers would not be those of one model: told before a row is asked, also where it was loaded before."""
    plugin = ResidentModel()
    plugin.setup(SimpleNamespace(address="tcp://10.0.0.7:1"))

    def hold(sha256: str) -> None:
        ask: Any = None
        with plugin.handle(Work(Held, {"adapter": "a.gguf"}, ask, adapter_sha256=sha256)):
            pass

    hold("that of the worker")
    with pytest.raises(UsageError, match="another file under the adapter's name"):
        hold("another")
    hold("that of the worker")
