"""A strict, bounded reader of GGUF headers.

It reads what stands before the weights and nothing else. No length in the file is believed before it was compared with
the file's size, so a broken or hostile file ends in a `ModelFileError`, never in a crash or in gigabytes of memory. The
file is read in pieces and not mapped: a mapped file that shrinks kills the process (SIGBUS).

Source of the format: ``docs/gguf.md`` of the ggml repository; where it is silent, ``gguf_init_from_file`` of llama.cpp.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Union

from jupyter_localllm.models.bounded import BoundedFile
from jupyter_localllm.models.mistaken import not_a_gguf, stat_file, unusable
from jupyter_localllm.models.tensor_types import REMOVED_TYPES, TENSOR_TYPES

__all__ = ["Header", "LongArray", "TensorInfo", "Value", "read_header"]

_MAX_KEY = 65_535  # bytes; the specification's own limit
_MAX_TEXT = 16 << 20  # bytes of one kept string: the longest chat templates have some 30 kB
_MAX_PAIRS = 1 << 16
_MAX_TENSORS = 1 << 17  # the largest models of 2025 have some 2,000; mixtures of experts before stacking had 10,000s
_MAX_ELEMENTS = 1 << 25  # of one array; the largest vocabularies have some 2**18 tokens
_KEPT_ELEMENTS = 1024  # llama.cpp allows 512 layers, so arrays by layer are always kept
_MAX_NAME = 63  # GGML_MAX_NAME - 1
_MAX_DIMENSIONS = 4
_STRING, _ARRAY = 8, 9
_SCALARS = {  # number of a value type: its name, and struct's letter for it
    0: ("uint8", "B"),
    1: ("int8", "b"),
    2: ("uint16", "H"),
    3: ("int16", "h"),
    4: ("uint32", "I"),
    5: ("int32", "i"),
    6: ("float32", "f"),
    7: ("bool", "?"),
    10: ("uint64", "Q"),
    11: ("int64", "q"),
    12: ("float64", "d"),
}


@dataclass(frozen=True)
class LongArray:
    """An array that was counted and not kept.

    Parameters
    ----------
    type_name : str
        Of its elements: ``"string"``, ``"int32"`` …
    count : int
        Number of elements.
    """

    type_name: str
    count: int

    def __len__(self) -> int:
        return self.count


Value = Union[bool, int, float, str, tuple[Union[bool, int, float, str], ...], LongArray]


@dataclass(frozen=True)
class TensorInfo:
    """What the header says about one tensor.

    Parameters
    ----------
    name : str
    shape : tuple of int
        In the file's order: the first number is the length of a row.
    type_name : str
        ``"F32"``, ``"Q4_1"`` …
    offset : int
        Bytes from `Header.data_offset`.
    size_bytes : int
    """

    name: str
    shape: tuple[int, ...]
    type_name: str
    offset: int
    size_bytes: int


@dataclass(frozen=True)
class Header:
    """All of a GGUF that is not weights.

    Parameters
    ----------
    version : int
        2 or 3.
    metadata : Mapping of str to Value
        Long arrays (the vocabulary) appear as `LongArray`.
    tensors : tuple of TensorInfo
    data_offset : int
        Where the weights begin, in bytes from the start of the file.
    size_bytes : int
        Of the file.
    alignment : int
        Of tensors, in bytes.
    """

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    size_bytes: int
    alignment: int


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of a GGUF file, version 2 or 3, little-endian.

    SmolLM2's header (1.8 MB, 98,000 strings) takes some 15 ms.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Header

    Raises
    ------
    ModelFileError
        The file cannot be read, or is no GGUF that this version understands; the message says what it is instead.
    """
    size = stat_file(path).st_size
    try:
        with open(path, "rb", buffering=0) as file:
            return _parse(BoundedFile(path, file, size))
    except OSError as error:
        raise unusable(
            path, f"cannot be read: {error.strerror or error}", "Check the path and its permissions."
        ) from None


def _parse(source: BoundedFile) -> Header:
    version = _version(source)
    n_tensors, n_pairs = source.number("Q", "the counts"), source.number("Q", "the counts")
    if n_tensors > _MAX_TENSORS or n_pairs > _MAX_PAIRS:
        raise source.wrong(f"it claims {n_tensors:,} tensors and {n_pairs:,} metadata entries")
    metadata: dict[str, Value] = {}
    for _ in range(n_pairs):
        key = source.text(_MAX_KEY, "the metadata")
        if not key or key in metadata:
            raise source.wrong(f"the metadata key {_short(key)!r} {'stands there twice' if key else 'is empty'}")
        metadata[key] = _value(source, key)
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
        raise source.wrong(f"its alignment {_short(str(alignment))!r} is not a power of two")
    tensors = tuple(_tensor(source) for _ in range(n_tensors))
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise source.wrong("two tensors have the same name")
    data_offset = -(-source.position // alignment) * alignment if tensors else source.position
    return Header(version, MappingProxyType(metadata), tensors, data_offset, source.size, alignment)


def _version(source: BoundedFile) -> int:
    if source.size < 4 or (head := source.take(4, "the magic")) != b"GGUF":
        more = source.take(min(source.left, 508), "the first bytes")
        raise not_a_gguf(source.path, more if source.size < 4 else head + more, source.size)
    version = source.number("I", "the version")
    if version == 0:
        raise source.wrong("its version is 0")
    if version & 0xFFFF == 0:
        raise unusable(
            source.path, "is a big-endian GGUF, for another kind of processor", "Download the usual build of it."
        )
    if version > 3:
        hint = "Upgrade jupyter_localllm and llama-cpp-python."
        raise unusable(source.path, f"is GGUF version {version}, and versions 2 and 3 are known here", hint)
    if version < 2:
        hint = "Download a newer conversion of the model."
        raise unusable(source.path, f"is GGUF version {version}, which llama.cpp reads no longer", hint)
    return version


def _value(source: BoundedFile, key: str) -> Value:
    where = f"the value of {_short(key)}"
    kind = source.number("I", where)
    if kind == _STRING:
        return source.text(_MAX_TEXT, where)
    if kind == _ARRAY:
        return _array(source, where)
    return _scalar(source, kind, where)


def _scalar(source: BoundedFile, kind: int, where: str) -> bool | int | float:
    if kind not in _SCALARS:
        raise source.wrong(f"{where} has the unknown type {kind}")
    layout = "<" + _SCALARS[kind][1]
    value: bool | int | float = struct.unpack(layout, source.take(struct.calcsize(layout), where))[0]
    return value


def _array(source: BoundedFile, where: str) -> Value:
    kind, count = source.number("I", where), source.number("Q", where)
    if kind != _STRING and kind not in _SCALARS:  # arrays of arrays too: llama.cpp does not read them
        raise source.wrong(f"{where} is an array of the unknown type {kind}")
    if count > _MAX_ELEMENTS:
        raise source.wrong(f"{where} is an array of {count:,} elements")
    if kind == _STRING:
        source.check_left(8 * count, where)
        if count <= _KEPT_ELEMENTS:
            return tuple(source.text(_MAX_TEXT, where) for _ in range(count))
        source.skip_texts(count, where)
        return LongArray("string", count)
    name, letter = _SCALARS[kind]
    layout = f"<{count}{letter}"
    source.check_left(struct.calcsize(layout), where)
    if count <= _KEPT_ELEMENTS:
        source.spend(40 * count)
        return struct.unpack(layout, source.take(struct.calcsize(layout), where))
    source.skip(struct.calcsize(layout), where)
    return LongArray(name, count)


def _tensor(source: BoundedFile) -> TensorInfo:
    name = source.text(_MAX_NAME, "the table of tensors")
    where = f"the entry of tensor {_short(name)}"
    n_dimensions = source.number("I", where)
    if n_dimensions > _MAX_DIMENSIONS:
        raise source.wrong(f"tensor {_short(name)} has {n_dimensions:,} dimensions")
    shape = struct.unpack(f"<{n_dimensions}Q", source.take(8 * n_dimensions, where))
    kind, offset = source.number("I", where), source.number("Q", where)
    known = TENSOR_TYPES.get(kind)
    if known is None:
        old = REMOVED_TYPES.get(kind)
        what = (
            f"has tensor {_short(name)} in {f'the old format {old}' if old else f'a format unknown here (type {kind})'}"
        )
        hint = "Download a newer conversion of the model." if old else "Upgrade jupyter_localllm, or download it again."
        raise unusable(source.path, what, hint)
    n_elements = 1
    for length in shape:
        n_elements *= length
    row = shape[0] if shape else 1
    if not 0 < n_elements < 2**63 or row % known.block_elements:
        raise source.wrong(f"tensor {_short(name)} cannot have the shape {shape} in the format {known.name}")
    return TensorInfo(name, shape, known.name, offset, n_elements // known.block_elements * known.block_bytes)


def _short(name: str) -> str:
    return name if len(name) <= 64 and name.isprintable() else ascii(name[:64])
