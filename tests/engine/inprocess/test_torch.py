"""Transformers in process keeps the contract of all engines, with a model that is made here."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("transformers", reason="the extra transformers is not installed")

import dataclasses
import json
from pathlib import Path

import numpy as np
import torch
import transformers

from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings, open_transformers
from jupyter_localllm.engine.inprocess.torch import precisions
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.errors import EngineError, UsageError
from jupyter_localllm.models.folders import describe_folder, plan_folder
from jupyter_localllm.types import Done, Job, Message, ModelFolder, Prompt
from tests.engine.inprocess.contract import FolderContract, owner  # noqa: F401 - a fixture
from tests.tiny_folders import make_folder, make_tokenizer, write_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    path = make_folder(tmp_path_factory.mktemp("models") / "tiny")
    return describe_folder(path, "tiny", "transformers", str)


class TestTransformers(FolderContract):
    library = staticmethod(open_transformers)


def test_numbers_by_device() -> None:
    """32 bits on a CPU while they fit; on a GPU 16, and 4 where CUDA is and 16 do not fit."""
    model = ModelFolder("m", "", "", 2, 1, "X", 1, 1, 1)
    auto, four, none = (FolderSettings(quantization=how) for how in ("auto", "4bit", "none"))  # type: ignore[arg-type]
    names = {
        (device, settings.quantization): [p.name for p in precisions(model, settings, device)]
        for device in ("cpu", "cuda", "mps")
        for settings in (auto, none)
    }
    assert names["cpu", "auto"] == names["cpu", "none"] == ["float32", "bfloat16"]
    assert names["cuda", "auto"] == ["bfloat16", "4-bit"]
    assert names["cuda", "none"] == names["mps", "auto"] == ["bfloat16"]
    assert [p.name for p in precisions(model, four, "cuda")] == ["4-bit"]
    with pytest.raises(UsageError, match="need a GPU with CUDA"):
        precisions(model, four, "cpu")
    with pytest.raises(UsageError, match="need a GPU with CUDA"):
        precisions(dataclasses.replace(model, packed="bitsandbytes"), auto, "cpu")
    with pytest.raises(UsageError, match="quantized already"):
        precisions(dataclasses.replace(model, packed="gptq"), four, "cuda")


def test_four_bits(folder: ModelFolder, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The way to bitsandbytes, on its CPU half: weights are packed while they are loaded, and it answers."""
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    chosen = precisions(folder, FolderSettings(quantization="4bit"), "cuda")
    monkeypatch.setattr("jupyter_localllm.engine.inprocess.torch.precisions", lambda *args: chosen)
    engine = FolderEngine(folder, FolderSettings(n_ctx=256), owner, open_transformers, plan_folder)
    list(engine.load())
    assert engine.info().details["kind"] == "4-bit"
    assert engine.info().details["weights_bytes"] < 0.6 * 2 * folder.n_weights  # of 16 bits
    *_, done = engine.generate(Job(Prompt((Message.of("user", "Hello"),), ("Hello",)), max_tokens=4))
    assert isinstance(done, Done)
    assert done.result.usage.completion_tokens == 4
    engine.close()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_an_encoder_embeds(pooling: str, tmp_path: Path, owner: Owner) -> None:  # noqa: F811
    """BERT with the pooling of sentence-transformers: as computed by hand; asked to chat, it refuses."""
    make_tokenizer(tmp_path)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    model = transformers.BertModel(transformers.BertConfig(vocab_size=512, **shape)).eval()
    model.save_pretrained(tmp_path)
    write_json(tmp_path / "modules.json", {})
    (tmp_path / "1_Pooling").mkdir()
    write_json(tmp_path / "1_Pooling" / "config.json", {f"pooling_mode_{pooling}_token": True})
    found = describe_folder(tmp_path, "bert", "transformers", str)
    assert found.pooling == pooling
    engine = FolderEngine(found, FolderSettings(n_threads=1), owner, open_transformers, plan_folder)
    (vector,) = engine.embed(["What is the capital of Japan?"])
    tokens = engine._loaded.words.tokens("What is the capital of Japan?", special=False)  # type: ignore[union-attr]
    with torch.inference_mode():
        hidden = model(torch.tensor([tokens])).last_hidden_state[0]
    wanted = (hidden.mean(0) if pooling == "mean" else hidden[0]).numpy()
    np.testing.assert_allclose(vector, wanted / np.linalg.norm(wanted), atol=1e-5)
    with pytest.raises(EngineError, match="embedding model"):
        list(engine.generate(Job(Prompt((), ("Hello",)))))
    engine.close()


def test_code_of_a_folder_is_never_run(tmp_path: Path, owner: Owner) -> None:  # noqa: F811
    """Where the library has the model itself, it is not needed; elsewhere it is an error, and nobody is asked."""
    ran = tmp_path / "ran"
    for kind, works in (("llama", True), ("its_own", False)):
        folder = make_folder(tmp_path / kind, model_type=kind)
        config = json.loads((folder / "config.json").read_text())
        auto = {"AutoConfig": "modeling_own.Config", "AutoModelForCausalLM": "modeling_own.Model"}
        write_json(folder / "config.json", config | {"auto_map": auto})
        (folder / "modeling_own.py").write_text(f"open({str(ran)!r}, 'w')\n")
        found = describe_folder(folder, kind, "transformers", str)
        engine = FolderEngine(found, FolderSettings(n_ctx=256), owner, open_transformers, plan_folder)
        if works:
            list(engine.load())
        else:
            with pytest.raises(EngineError, match="code of its own, which is never run"):
                list(engine.load())
        engine.close()
    assert not ran.exists()
