"""Weights are looked at by their headers, and what is not whole never counts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.folders import read_weights
from tests.tiny_folders import write_json, write_safetensors

ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def split(folder: Path) -> None:
    write_safetensors(folder / ONE, {"a": np.zeros(3, np.float32)})
    write_safetensors(folder / TWO, {"b": np.zeros((2, 2), np.float32)})
    write_json(folder / "model.safetensors.index.json", {"weight_map": {"a": ONE, "b": TWO}})


def test_parts_are_added_up(tmp_path: Path) -> None:
    """All files of the index, and none beside it."""
    split(tmp_path)
    write_safetensors(tmp_path / "model-old.safetensors", {"z": np.zeros(99, np.float32)})
    weights = read_weights(tmp_path)
    assert ([file.name for file in weights.files], weights.size_bytes, weights.numbers) == ([ONE, TWO], 28, 7)


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


BAD: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a part is missing": (lambda f: (f / TWO).unlink(), "lacks 1 of its 2 files", "broke off"),
    "a part is cut off": (lambda f: shorten(f / TWO), "cut off or still downloading", "Download"),
    "a page": (lambda f: (f / ONE).write_text("<html>not found</html>"), "no safetensors file", "Download"),
    "a pointer": (lambda f: (f / ONE).write_text("version https://git-lfs.github.com/spec/v1"), "LFS", "git lfs pull"),
    "empty": (lambda f: (f / ONE).write_bytes(b""), "is empty", ""),
    "a folder": (lambda f: ((f / ONE).unlink(), (f / ONE).mkdir()), "is a directory", ""),
    "an index of nothing": (lambda f: write_json(f / "model.safetensors.index.json", []), "cannot be read", "Download"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_whole_is_told(what: str, tmp_path: Path) -> None:
    """With the file, and the next step."""
    spoil, message, hint = BAD[what]
    split(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ModelFileError, match=message) as caught:
        read_weights(tmp_path)
    assert hint in caught.value.hint


NONE = {
    "pytorch_model.bin": "pickle",
    "model.Q4_K_M.gguf": "llama.cpp runs",
    "adapter_model.safetensors": "LoRA",
    "model.safetensors.incomplete": "still downloading",
    "readme.txt": "Download",
}


@pytest.mark.parametrize("name", NONE)
def test_other_files_are_named(name: str, tmp_path: Path) -> None:
    """What lies in the place of weights decides on the advice."""
    (tmp_path / name).touch()
    with pytest.raises(ModelFileError, match="no weights") as caught:
        read_weights(tmp_path)
    assert NONE[name] in caught.value.hint


@given(noise=st.binary(max_size=200))
def test_no_bytes_break_it(noise: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands in a file, it is weights or a clear error."""
    folder = tmp_path_factory.mktemp("noise")
    (folder / "model.safetensors").write_bytes(noise)
    with pytest.raises(ModelFileError):
        read_weights(folder)


@given(
    header=st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.dictionaries(st.sampled_from(("a", "shape", "data_offsets", "dtype")), inner, max_size=3)
            | st.lists(inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_no_header_breaks_it(header: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same of any JSON in the place of a header."""
    folder = tmp_path_factory.mktemp("noise")
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with contextlib.suppress(ModelFileError):
        assert read_weights(folder).size_bytes >= 0
