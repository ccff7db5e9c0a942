from __future__ import annotations

import ctypes
from importlib.metadata import version
from pathlib import Path

import gguf
import pytest

from jupyter_localllm.models.checks import _find_library
from jupyter_localllm.models.tensor_types import REMOVED_TYPES, TENSOR_TYPES


@pytest.mark.parametrize("kind", list(gguf.GGML_QUANT_SIZES), ids=lambda kind: kind.name)
def test_agrees_with_the_gguf_package(kind: gguf.GGMLQuantizationType) -> None:
    """Every type of the reference package is known here, with the same name and block sizes."""
    if kind is gguf.GGMLQuantizationType.Q8_1:
        pytest.skip("the package has its size of 2023; it is used in memory only, and the library's size counts")
    assert TENSOR_TYPES[int(kind)] == (kind.name, *gguf.GGML_QUANT_SIZES[kind])


def test_agrees_with_the_installed_library() -> None:
    """Every type that the installed llama.cpp reads is known here, with the same block sizes."""
    library = _find_library()
    found = library and next(iter(sorted(Path(library).parent.glob("*ggml-base.*"))), None)
    # An older library has fewer types, and asking it for a number beyond its table reads past the end of it.
    if found is None or tuple(map(int, version("llama-cpp-python").split(".")[:3])) < (0, 3, 36):
        pytest.skip("llama-cpp-python 0.3.36 is not installed")
    base = ctypes.CDLL(str(found))
    base.ggml_type_name.restype, base.ggml_type_size.restype = ctypes.c_char_p, ctypes.c_size_t
    base.ggml_blck_size.restype = ctypes.c_int64
    for number in REMOVED_TYPES:
        assert base.ggml_type_size(number) == 0
    for number, ours in TENSOR_TYPES.items():
        assert base.ggml_type_name(number).decode().lower() == ours.name.lower()
        assert (base.ggml_blck_size(number), base.ggml_type_size(number)) == ours[1:]


def test_numbers_have_no_gap() -> None:
    """A type is either known or known to be removed."""
    assert sorted([*TENSOR_TYPES, *REMOVED_TYPES]) == list(range(len(TENSOR_TYPES) + len(REMOVED_TYPES)))
