"""The whole road with models that the tests write themselves: adapters, base models, other files."""

from __future__ import annotations

from pathlib import Path

import pytest

import jupyter_localllm as jl
from jupyter_localllm.errors import ModelCheckFailed, ModelError, ModelFileError, UsageError
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_models import write_tiny_llama


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_llama(tmp_path / "tiny.gguf")


def say(model: Path, prompt: str = "abc", **settings: object) -> str:
    return jl.LocalLLM(model=str(model), max_tokens=12, **settings).generate(prompt).text


def test_a_path_is_a_model(tiny: Path) -> None:
    """Any GGUF that llama.cpp can use answers, whatever it says."""
    assert say(tiny) == say(tiny)


def test_a_stem_in_a_folder_is_a_model(tiny: Path) -> None:
    """Folders of GGUF files are searched by name."""
    handle = jl.LocalLLM(model="tiny", model_dirs=[str(tiny.parent)], max_tokens=12)
    assert handle.generate("abc").model == "tiny"


def test_an_adapter_changes_the_answer(tiny: Path, tmp_path: Path) -> None:
    """A LoRA is applied, and its answers are cached apart from the base model's."""
    adapter = write_tiny_adapter(tmp_path / "lora.gguf")
    plain, adapted = say(tiny), say(tiny, adapter=str(adapter))
    assert plain != adapted
    assert say(tiny, adapter=str(adapter), cache="require") == adapted
    assert say(tiny, cache="require") == plain


def test_a_wrong_adapter_is_an_error(tiny: Path, tmp_path: Path) -> None:
    """A missing file, a model in its place, and one for another shape are told."""
    with pytest.raises(UsageError, match="no adapter") as caught:
        say(tiny, adapter=str(tmp_path / "gone.gguf"))
    assert caught.value.hint == "Give the path of a GGUF file made from a LoRA."
    for wrong in (tiny, write_tiny_adapter(tmp_path / "other.gguf", n_embd=32)):
        with pytest.raises(ModelError, match="adapter"):
            say(tiny, adapter=str(wrong))


def test_a_base_model_completes(tmp_path: Path) -> None:
    """A model without a chat template goes on with the text, and the answer says so."""
    base = write_tiny_llama(tmp_path / "base.gguf", chat_template=None)
    result = jl.LocalLLM(model=str(base), max_tokens=4).generate("abc")
    assert "no_template" in [note.code for note in result.notes]


def test_a_changed_file_is_another_model(tiny: Path) -> None:
    """A file that was replaced is loaded anew, and its old answers are not replayed."""
    handle = jl.LocalLLM(model=str(tiny), max_tokens=12)
    before = handle.generate("abc")
    write_tiny_llama(tiny, seed=9)
    after = handle.generate("abc")
    assert not after.cached
    assert before.provenance.model_sha256 != after.provenance.model_sha256
    assert before.text != after.text


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"<!DOCTYPE html><html>not found</html>", "HTML"), (b"", "empty"), (b"GGUF\x03\0\0\0", "truncated")],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    """What is no model is named before llama.cpp sees it."""
    path = tmp_path / "file.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=says):
        say(path)


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    """A model that this build of llama.cpp does not know is refused by name."""
    path = write_tiny_llama(tmp_path / "new.gguf", architecture="brandnew9")
    with pytest.raises(ModelFileError, match="brandnew9"):
        say(path)


def test_a_model_that_llama_cpp_refuses_is_refused_in_the_child(tmp_path: Path) -> None:
    """What only llama.cpp can find wrong is found by the child, and quoted."""
    path = write_tiny_llama(tmp_path / "odd.gguf", metadata={"tokenizer.ggml.model": "no-such-tokenizer"})
    with pytest.raises((ModelCheckFailed, ModelFileError), match="odd"):
        say(path)
