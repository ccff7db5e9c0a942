"""MLX in process keeps the contract of all engines, on Linux's CPU with a model that is made here."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mlx.core", reason="the extra mlx is not installed")
pytest.importorskip("mlx_lm", reason="the extra mlx is not installed")

from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings, open_mlx
from jupyter_localllm.engine.inprocess.mlx import old_rope
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.errors import UsageError
from jupyter_localllm.models.folders import describe_folder, plan_folder
from jupyter_localllm.types import Done, Job, Message, ModelFolder, Prompt
from tests.engine.inprocess.contract import FolderContract, owner  # noqa: F401 - a fixture
from tests.tiny_folders import make_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    path = make_folder(tmp_path_factory.mktemp("models") / "tiny")
    return describe_folder(path, "tiny", "mlx", str)


class TestMlx(FolderContract):
    library = staticmethod(open_mlx)


OLD = {
    "flat": ({"rope_parameters": {"rope_theta": 5.0, "rope_type": "default"}}, {"rope_theta": 5.0}),
    "there": ({"rope_theta": 7.0, "rope_parameters": {"rope_theta": 5.0}}, {}),
    "none": ({"rope_theta": 7.0}, {}),
    "by layer": (
        {"rope_parameters": {"full_attention": {"rope_theta": 5.0}, "sliding_attention": {"rope_theta": 2.0}}},
        {"rope_theta": 5.0, "rope_local_base_freq": 2.0},
    ),
    "scaled": (
        {"rope_parameters": {"rope_theta": 5.0, "rope_type": "yarn", "factor": 4.0}},
        {"rope_theta": 5.0, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    ),
    "one level down": (
        {"text_config": {"a": 1, "rope_parameters": {"rope_theta": 5.0}}},
        {"text_config": {"a": 1, "rope_parameters": {"rope_theta": 5.0}, "rope_theta": 5.0}},
    ),
    "odd": ({"rope_parameters": 3, "text_config": None}, {}),
}


@pytest.mark.parametrize("form", OLD)
def test_rotary_settings_are_found_in_both_forms(form: str) -> None:
    """What stands in the newer form only is told in the older one; nothing that stands there is changed."""
    config, wanted = OLD[form]
    assert old_rope(config) == wanted


def test_weights_are_not_quantized_by_the_way(folder: ModelFolder) -> None:
    """MLX wants them converted before: the error names the command."""
    with pytest.raises(UsageError) as caught:
        open_mlx(folder, FolderSettings(quantization="4bit"), plan_folder)
    assert "mlx_lm.convert" in caught.value.hint


def test_a_converted_folder_runs(folder: ModelFolder, owner: Owner, tmp_path: Path) -> None:  # noqa: F811
    """Weights in 4 bits, as mlx-lm's own conversion writes them."""
    from mlx_lm.utils import load, quantize_model, save

    model, tokenizer, config = load(folder.path, return_config=True)
    model, config = quantize_model(model, config, group_size=32, bits=4)
    save(tmp_path / "four", Path(folder.path), model, tokenizer, config)
    found = describe_folder(tmp_path / "four", "four", "mlx", str)
    assert (found.packed, found.size_bytes < 0.4 * folder.size_bytes) == ("mlx", True)
    engine = FolderEngine(found, FolderSettings(n_ctx=256), owner, open_mlx, plan_folder)
    *_, done = engine.generate(Job(Prompt((Message.of("user", "Hello"),), ("Hello",)), max_tokens=4))
    assert isinstance(done, Done)
    assert done.result.usage.completion_tokens == 4
    assert engine.info().details["kind"] == "4-bit"
    engine.close()
