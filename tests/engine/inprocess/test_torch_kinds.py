"""Our loop against Transformers' own `generate`, for kinds of models that keep their past in different ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("transformers", reason="the extra transformers is not installed")

import torch
import transformers

from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings, open_transformers
from jupyter_localllm.engine.inprocess.loaded import LoadedFolder
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.errors import EngineError
from jupyter_localllm.models.folders import describe_folder, plan_folder
from jupyter_localllm.types import Done, Job, Message, Prompt
from tests.tiny_folders import TEXT, make_tokenizer, write_json

SMALL: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen3": {"head_dim": 16},
    "mistral": {"sliding_window": 32},
    "gemma3_text": {"head_dim": 16, "sliding_window": 32, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 1024},
    "mamba": {"state_size": 8},
    "qwen3_next": {
        "head_dim": 16,
        "layer_types": ["linear_attention", "full_attention"] * 2,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "num_experts": 0,
    },
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 16},
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2},
}


def made(kind: str, folder: Path) -> Any:
    """A folder with random weights, and the model itself."""
    tokenizer = make_tokenizer(folder)
    torch.manual_seed(5)
    config = transformers.AutoConfig.for_model(kind, **(SMALL | KINDS[kind]))
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name in ("<|im_end|>", "<think>"):  # it never ends, nor thinks
            model.get_output_embeddings().weight[tokenizer.token_to_id(name)] *= 0
    model.save_pretrained(folder)
    write_json(folder / "tokenizer_config.json", {})
    return model


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    owner = Owner()
    yield owner
    owner.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")  # of the libraries themselves
def test_it_says_what_the_library_says(kind: str, tmp_path: Path, owner: Owner) -> None:
    """Greedy tokens of a prompt of several pieces, fresh and behind what an earlier prompt left in the cache."""
    model = made(kind, tmp_path)
    folder = describe_folder(tmp_path, kind, "transformers", str)
    engine = FolderEngine(folder, FolderSettings(n_ctx=1024, n_threads=1), owner, open_transformers, plan_folder)
    list(engine.load())
    words = engine._loaded.words  # type: ignore[union-attr]
    for text in (TEXT * 3, TEXT * 3 + "Say hello.", TEXT * 2):
        tokens = words.prompt((text,))
        assert len(tokens) > 200
        with torch.inference_mode():
            wanted = model.generate(torch.tensor([tokens]), max_new_tokens=12, do_sample=False)[0, len(tokens) :]
        *_, done = engine.generate(Job(Prompt((Message.of("user", text),), (text,)), max_tokens=12))
        assert isinstance(done, Done)
        assert done.result.text == b"".join(map(words.piece, wanted.tolist())).decode("utf-8", "replace").lstrip()
        assert done.result.usage.completion_tokens == 12
    goes_back = kind in ("llama", "qwen3", "gpt2")
    assert bool(done.result.usage.cached_prompt_tokens) == goes_back
    engine.close()


@pytest.mark.parametrize("kind", ["llama", "mamba"])
@pytest.mark.filterwarnings("ignore")
def test_a_past_that_is_lost_is_noticed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial in the child finds a model that forgets: its answers would be wrong, and nothing would say so."""
    made(kind, tmp_path)
    folder = describe_folder(tmp_path, kind, "transformers", str)
    loaded = LoadedFolder(folder, FolderSettings(n_ctx=256, n_threads=1), open_transformers, plan_folder)
    loaded.try_out()
    if kind == "mamba":
        loaded.network.grid = 16  # it cannot go on by several tokens
    else:
        monkeypatch.setattr(type(loaded.network), "read", lambda *args: None)
    with pytest.raises(EngineError, match="forgets"):
        loaded.try_out()
