"""llama.cpp's log: silent, unless a person wants to see it."""

from __future__ import annotations

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.llama import LlamaSettings

pytestmark = pytest.mark.model


def test_the_log_is_shown_on_stderr_or_not_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    """The setting `verbose` decides, for a model in the kernel and for one in a child."""
    said = []
    for isolation, verbose in (("kernel", False), ("kernel", True), ("process", True)):
        llm = LocalLLM(verbose=verbose, isolation=isolation, n_ctx=256, n_gpu_layers=0)
        llm.load()
        llm.close()
        said.append("n_ctx" in capsys.readouterr().err)
    assert said == [False, True, True]


def test_the_log_does_not_make_another_engine() -> None:
    """Handles that differ in nothing else share a model."""
    assert LlamaSettings(verbose=True) == LlamaSettings()
    assert hash(LlamaSettings(verbose=True)) == hash(LlamaSettings())
