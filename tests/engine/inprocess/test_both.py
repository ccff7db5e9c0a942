"""Transformers and MLX compute the same from the same folder: each is the other's reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("transformers", reason="the extra transformers is not installed")
pytest.importorskip("mlx_lm", reason="the extra mlx is not installed")

from jupyter_localllm.engine.inprocess import FolderSettings, open_mlx, open_transformers
from jupyter_localllm.models.folders import describe_folder, plan_folder
from tests.tiny_folders import make_folder, write_json

SCALED = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
ROPES: dict[str, dict[str, Any]] = {
    "usual": {},
    "old": {"rope_theta": 500.0, "rope_scaling": {"rope_type": "llama3", **SCALED}},
    "new": {"rope_theta": None, "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}},
    "new, scaled": {"rope_theta": None, "rope_parameters": {"rope_theta": 500.0, "rope_type": "llama3", **SCALED}},
}


@pytest.mark.parametrize("rope", ROPES)
def test_both_compute_the_same(rope: str, tmp_path: Path) -> None:
    """Logits after whole prompts, pieces, a cut and single tokens, and vectors; whatever form the settings have."""
    path = make_folder(tmp_path / "tiny", **ROPES[rope])
    config = json.loads((path / "config.json").read_text())
    write_json(path / "config.json", {key: value for key, value in config.items() if value is not None})
    made: list[Any] = []
    for scheme, library in (("transformers", open_transformers), ("mlx", open_mlx)):
        network = library(describe_folder(path, "tiny", scheme, str), FolderSettings(n_threads=1), plan_folder)
        cache = network.start()
        found = [network.logits(list(range(3, 40)), cache)]
        network.read([5, 6, 7], cache)
        found.append(network.logits([8], cache))
        assert network.cut(cache, 41, 20)
        found.append(network.logits([9, 10], cache))
        found.append(network.embed([11, 12, 13]))
        made.append(found)
    for ours, theirs in zip(*made, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)
