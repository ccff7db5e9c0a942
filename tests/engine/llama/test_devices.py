"""Accelerators are found through ggml, and their absence is no error."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from jupyter_localllm.engine.llama.devices import Device, accelerators, libraries, where
from jupyter_localllm.engine.llama.native import open_library

CPU, GPU, INTEGRATED, ACCELERATED = 0, 1, 2, 3
L4, T4 = Device("CUDA0", "NVIDIA L4", "gpu", 1, 2), Device("CUDA1", "Tesla T4", "gpu", 3, 4)


class Library:
    """ggml's device functions over a list of (type, name, description, free, total), as native callbacks."""

    def __init__(self, *devices: tuple[int, bytes, bytes | None, int, int]) -> None:
        self._devices = devices
        self._kept: list[Any] = []
        size, pointer = ctypes.c_size_t, ctypes.c_void_p
        self._functions: dict[str, Any] = {
            "ggml_backend_dev_count": ctypes.CFUNCTYPE(size)(lambda: len(devices)),
            "ggml_backend_dev_get": ctypes.CFUNCTYPE(pointer, size)(lambda i: i + 1),
            "ggml_backend_dev_type": ctypes.CFUNCTYPE(ctypes.c_int, pointer)(lambda d: devices[d - 1][0]),
            "ggml_backend_dev_name": self._text(1),
            "ggml_backend_dev_description": self._text(2),
            "ggml_backend_dev_memory": ctypes.CFUNCTYPE(None, pointer, pointer, pointer)(self._memory),
        }

    def __getitem__(self, name: str) -> Any:
        if name not in self._functions:
            raise AttributeError(name)
        return self._functions[name]

    def without(self, name: str) -> Library:
        del self._functions[name]
        return self

    def _text(self, column: int) -> Any:
        texts = [ctypes.create_string_buffer(device[column] or b"") for device in self._devices]
        self._kept.append(texts)
        return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda d: ctypes.addressof(texts[d - 1]))

    def _memory(self, device: int, free: int, total: int) -> None:
        ctypes.c_size_t.from_address(free).value = self._devices[device - 1][3]
        ctypes.c_size_t.from_address(total).value = self._devices[device - 1][4]


def test_this_build_has_no_accelerator_or_says_which() -> None:
    """A build for the CPU gives an empty list; with a GPU each has a name. (These tests run on CPU builds.)"""
    native = open_library()
    found = accelerators(libraries(native.lib))
    assert (found == []) is not bool(native.lib.llama_supports_gpu_offload())
    assert all(device.name for device in found)


@pytest.mark.parametrize(
    ("library", "wanted"),
    [
        (Library(), []),
        (Library((CPU, b"CPU", b"a processor", 9, 9), (ACCELERATED, b"BLAS", b"OpenBLAS", 0, 0)), []),
        (
            Library((GPU, b"CUDA0", b"NVIDIA L4", 1, 2), (CPU, b"CPU", b"", 9, 9), (GPU, b"CUDA1", b"Tesla T4", 3, 4)),
            [L4, T4],
        ),
        (
            Library((INTEGRATED, b"Vulkan0", b"Iris", 5, 6), (CPU, b"CPU", b"", 9, 9)),
            [Device("Vulkan0", "Iris", "integrated", 5, 6)],
        ),
        (Library((INTEGRATED, b"Vulkan0", b"Iris", 5, 6), (GPU, b"CUDA0", b"NVIDIA L4", 1, 2)), [L4]),
        (Library((GPU, b"CUDA0", None, 0, 0)), [Device("CUDA0", "", "gpu", 0, 0)]),
        (Library((GPU, b"CUDA0", b"\xff\xfe", 0, 0)), [Device("CUDA0", "\ufffd\ufffd", "gpu", 0, 0)]),
        (Library((77, b"META", b"several", 1, 1)), []),
        (Library((GPU, b"CUDA0", b"NVIDIA L4", 1, 2)).without("ggml_backend_dev_memory"), []),
    ],
)
def test_devices_as_ggml_tells_them(library: Library, wanted: list[Device]) -> None:
    """GPUs with their memory; integrated ones only without others; CPUs and BLAS are none; missing functions: none."""
    assert accelerators([library]) == wanted


def test_no_library_is_no_error() -> None:
    """Where nothing can be asked, there is nothing."""
    assert accelerators([]) == []
    assert libraries(object()) == []


@pytest.mark.parametrize(
    ("layers", "devices", "wanted"),
    [
        (0, [L4], "CPU"),
        (-1, [], "CPU"),
        (20, [], "CPU"),
        (-1, [L4], "all 31 layers on NVIDIA L4"),
        (31, [L4], "all 31 layers on NVIDIA L4"),
        (99, [L4], "all 31 layers on NVIDIA L4"),
        (30, [L4], "30 of 31 layers on NVIDIA L4"),
        (20, [L4, T4], "20 of 31 layers on NVIDIA L4 and Tesla T4"),
        (-1, [L4, L4], "all 31 layers on 2 x NVIDIA L4"),
        (1, [Device("Vulkan0", "", "integrated", 0, 0)], "1 of 31 layers on Vulkan0"),
    ],
)
def test_the_sentence_for_the_status(layers: int, devices: list[Device], wanted: str) -> None:
    """Said plainly: the CPU, all layers, or how many of them, and on what."""
    assert where(layers, 30, devices) == wanted
