"""The accelerators that the build of llama.cpp sees.

Asking a GPU for its memory starts its driver in this process, so it is done in the check's child process, or on the
owner's thread. Source: ``ggml-backend.h`` of llama.cpp.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["Device", "accelerators", "libraries", "where"]

_KINDS: dict[int, Literal["gpu", "integrated"]] = {1: "gpu", 2: "integrated"}  # ggml_backend_dev_type; 0 is the CPU
_SIGNATURES: dict[str, tuple[list[Any], Any]] = {
    "ggml_backend_dev_count": ([], ctypes.c_size_t),
    "ggml_backend_dev_get": ([ctypes.c_size_t], ctypes.c_void_p),
    "ggml_backend_dev_type": ([ctypes.c_void_p], ctypes.c_int),
    "ggml_backend_dev_name": ([ctypes.c_void_p], ctypes.c_char_p),
    "ggml_backend_dev_description": ([ctypes.c_void_p], ctypes.c_char_p),
    "ggml_backend_dev_memory": ([ctypes.c_void_p] * 3, None),
}


@dataclass(frozen=True)
class Device:
    """An accelerator.

    Parameters
    ----------
    name : str
        ggml's name, as ``"CUDA0"``.
    description : str
        What it is sold as.
    kind : {"gpu", "integrated"}
        An integrated one uses the machine's memory.
    free_bytes, total_bytes : int
        0 if it does not say.
    """

    name: str
    description: str
    kind: Literal["gpu", "integrated"]
    free_bytes: int
    total_bytes: int


def accelerators(found_in: Sequence[Any]) -> list[Device]:
    """The GPUs that layers can go to; integrated ones only if there is no other, as llama.cpp has it.

    Parameters
    ----------
    found_in : sequence of ctypes.CDLL
        ggml's libraries, see `libraries`.

    Returns
    -------
    list of Device
        Empty for a build without GPU support, and where the question cannot be asked.
    """
    functions = {name: _function(found_in, name) for name in _SIGNATURES}
    if not all(functions.values()):
        return []
    try:
        count = functions["ggml_backend_dev_count"]()
        found = [_device(functions, functions["ggml_backend_dev_get"](i)) for i in range(count)]
    except (ArithmeticError, OSError, TypeError, ValueError, ctypes.ArgumentError):
        return []
    devices = [device for device in found if device is not None]
    return [device for device in devices if device.kind == "gpu"] or devices


def libraries(lib: Any) -> list[Any]:
    """The libraries of ggml that the ``llama_cpp`` module `lib` has loaded.

    Linux and macOS find a library's symbols through those that depend on it; Windows does not.
    """
    try:
        llama = lib.llama_cpp._lib
        beside = sorted(Path(llama._name).parent.glob("*ggml*"))
    except (AttributeError, OSError, TypeError):
        return []
    found = [llama]
    for path in beside:
        if path.stem in ("ggml", "ggml-base", "libggml", "libggml-base"):
            try:
                found.append(ctypes.CDLL(str(path)))
            except OSError:
                continue
    return found


def where(n_gpu_layers: int, n_layer: int, devices: Sequence[Device]) -> str:
    """Say where a model's layers are, for ``%llm status``.

    Parameters
    ----------
    n_gpu_layers : int
        As given to llama.cpp: -1 for all. The output counts as one layer more.
    n_layer : int
        Layers of the model.
    devices : sequence of Device

    Examples
    --------
    >>> card = Device("CUDA0", "NVIDIA L4", "gpu", 0, 0)
    >>> where(-1, 30, []), where(-1, 30, [card]), where(20, 30, [card, card])
    ('CPU', 'all 31 layers on NVIDIA L4', '20 of 31 layers on 2 x NVIDIA L4')
    """
    if n_gpu_layers == 0 or not devices:
        return "CPU"
    every = n_layer + 1
    part = f"all {every}" if n_gpu_layers < 0 or n_gpu_layers >= every else f"{n_gpu_layers} of {every}"
    names = [device.description or device.name for device in devices]
    cards = [f"{names.count(name)} x {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)]
    return f"{part} layers on {' and '.join(cards)}"


def _function(found_in: Sequence[Any], name: str) -> Any:
    """The function with its types, on a copy that nobody else sees; None if no library has it."""
    for library in found_in:
        try:
            function = library[name]
        except (AttributeError, ValueError, OSError):
            continue
        function.argtypes, function.restype = _SIGNATURES[name]
        return function
    return None


def _device(functions: dict[str, Any], handle: Any) -> Device | None:
    kind = _KINDS.get(functions["ggml_backend_dev_type"](handle)) if handle else None
    if kind is None:
        return None
    free, total = ctypes.c_size_t(0), ctypes.c_size_t(0)
    functions["ggml_backend_dev_memory"](handle, ctypes.byref(free), ctypes.byref(total))
    return Device(
        name=_text(functions["ggml_backend_dev_name"](handle)),
        description=_text(functions["ggml_backend_dev_description"](handle)),
        kind=kind,
        free_bytes=int(free.value),
        total_bytes=int(total.value),
    )


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace").strip()
