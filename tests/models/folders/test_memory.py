"""Whether a folder fits, in which numbers, and with what window."""

from __future__ import annotations

import pytest

from jupyter_localllm.errors import ModelMemoryError, SettingsError
from jupyter_localllm.models.folders import plan_folder
from jupyter_localllm.types import ModelFolder, Precision

GB = 10**9
SINGLE, HALF = Precision("float32", 4, 4), Precision("bfloat16", 2, 2)
MODEL = ModelFolder("m", "", "", 2 * GB, GB, "LlamaForCausalLM", 32_768, 2048, 50_000)


def test_numbers_become_narrow_before_memory_ends() -> None:
    """32 bits where they leave room, else 16; with no room for those it is an error with all figures."""
    assert plan_folder(MODEL, (SINGLE, HALF), available=20 * GB).precision is SINGLE
    assert plan_folder(MODEL, (SINGLE, HALF), available=6 * GB).precision is HALF
    with pytest.raises(ModelMemoryError, match=r"needs 2\.2 GB with a window of 2,048 tokens") as caught:
        plan_folder(MODEL, (SINGLE, HALF), available=2 * GB)
    assert "GGUF" in caught.value.hint


def test_the_window_follows_from_memory() -> None:
    """At most 16,384 by itself, a multiple of 256 where memory is short, and never less than 2,048."""
    windows = [plan_folder(MODEL, (HALF,), available=int(gb * GB)).n_ctx for gb in (20, 4.5, 3.5, 2.3)]
    assert windows[0] == 16_384
    assert windows == sorted(windows, reverse=True)
    assert all(window % 256 == 0 for window in windows)
    assert windows[-1] == 2_048


def test_a_window_that_was_asked_for_is_kept() -> None:
    """Or refused, where the model or the memory has no room for it."""
    assert plan_folder(MODEL, (HALF,), 20_000, available=20 * GB).n_ctx == 20_000
    with pytest.raises(SettingsError, match="trained with 32,768"):
        plan_folder(MODEL, (HALF,), 40_000, available=99 * GB)
    with pytest.raises(ModelMemoryError, match="window of 20,000"):
        plan_folder(MODEL, (HALF,), 20_000, available=3 * GB)


def test_packed_weights_stay_as_they_are() -> None:
    """What is quantized on disk takes as much in memory."""
    packed = ModelFolder("m", "", "", GB // 2, GB, "LlamaForCausalLM", 4096, 2048, 50_000, packed="gptq")
    assert plan_folder(packed, (HALF,), 2048, available=9 * GB).total_bytes == GB // 2 + 2048 * 100_000
    assert plan_folder(MODEL, (Precision("stored", 0, 2),), 2048, available=9 * GB).total_bytes == 2 * GB + 204_800_000
