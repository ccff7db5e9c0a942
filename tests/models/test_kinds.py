"""What a GGUF is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.checks import check_adapter
from jupyter_localllm.models.facts import Facts, facts_of
from jupyter_localllm.models.gguf import read_header
from jupyter_localllm.models.kinds import FILE_TYPES, kind_of, quantization_of
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_kinds import write_tiny_bert
from tests.tiny_models import write_tiny_llama


@pytest.mark.parametrize(
    ("metadata", "template", "kind"),
    [
        ({}, "{{ x }}", "chat"),
        ({}, None, "completion"),
        ({"llama.pooling_type": 3}, "{{ x }}", "embedding"),
        ({"llama.pooling_type": 0}, "{{ x }}", "chat"),
        ({"llama.pooling_type": 4}, None, "reranker"),
        ({"general.type": "mmproj"}, None, "projector"),
        ({"general.type": "adapter"}, None, "adapter"),
    ],
)
def test_by_its_metadata(metadata: dict[str, Any], template: str | None, kind: str, tmp_path: Path) -> None:
    """Pooling makes embedders and rerankers of models that could write; a template makes a chat."""
    path = write_tiny_llama(tmp_path / "m.gguf", chat_template=template, metadata=metadata)
    assert kind_of(read_header(path)) == kind


def test_an_encoder(tmp_path: Path) -> None:
    """It is for embeddings by its architecture."""
    assert kind_of(read_header(write_tiny_bert(tmp_path / "b.gguf"))) == "embedding"


def test_names_of_file_types() -> None:
    """They are llama.cpp's, and those of the gguf package."""
    theirs = {
        value: name.removeprefix("LLAMA_FTYPE_").removeprefix("ALL_").removeprefix("MOSTLY_")
        for name, value in vars(llama_cpp).items()
        if name.startswith("LLAMA_FTYPE_") and name != "LLAMA_FTYPE_GUESSED"
    }
    theirs |= {
        int(kind): kind.name.removeprefix("ALL_").removeprefix("MOSTLY_")
        for kind in gguf.LlamaFileType
        if kind.name != "GUESSED"
    }
    assert {number: theirs[number] for number in FILE_TYPES} == FILE_TYPES


def test_the_quantization(tmp_path: Path, model_path: Path) -> None:
    """What the file says, or what most of it is."""
    assert quantization_of(read_header(model_path)) == "Q4_1"
    path = write_tiny_llama(tmp_path / "m.gguf", metadata={"general.file_type": 15})
    assert quantization_of(read_header(path)) == "Q4_K_M"
    assert quantization_of(read_header(write_tiny_llama(tmp_path / "n.gguf"))) == "F32"


def test_facts_are_remembered(tmp_path: Path) -> None:
    """A known file is not opened again; a changed one is; what is broken is looked at each time."""
    path, memo = write_tiny_llama(tmp_path / "m.gguf"), dict[str, str]()
    found = facts_of(path, memo)
    assert (found.kind, found.architecture, found.quantization, found.writes) == ("chat", "llama", "F32", True)
    assert found.shape is not None
    assert found.parameters * 4 == found.shape.weights_bytes
    assert facts_of(path, memo) == found
    memo = dict.fromkeys(memo, '{"kind": "of another version"}')
    assert facts_of(path, memo) == found
    path.write_bytes(b"GGUF" + b"\xff" * 50)
    assert facts_of(path, memo).kind == "broken"
    assert facts_of(path, memo).problem
    path.unlink()
    with pytest.raises(ModelFileError):
        facts_of(path, memo)


def test_facts_of_what_is_no_model(tmp_path: Path) -> None:
    """An adapter has no dimensions of its own."""
    assert facts_of(write_tiny_adapter(tmp_path / "a.gguf"), {}) == Facts(
        "adapter", "llama", "F32", (tmp_path / "a.gguf").stat().st_size, "", "", 2560, None
    )


def test_adapters_are_judged(tmp_path: Path, tiny_path: Path) -> None:
    """A model in its place, and an adapter for another architecture, are refused in words."""
    adapter = write_tiny_adapter(tmp_path / "a.gguf")
    check_adapter(adapter, "llama")
    with pytest.raises(
        ModelFileError, match="was made for models of the architecture 'llama', and this one is 'qwen2'"
    ):
        check_adapter(adapter, "qwen2")
    with pytest.raises(ModelFileError, match="is a model, not a LoRA adapter"):
        check_adapter(tiny_path, "llama")
