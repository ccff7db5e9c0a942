from __future__ import annotations

import os
import struct
import sys
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.gguf import Header, LongArray, read_header
from jupyter_localllm.types import ModelFile
from tests.tiny_models import CHATML, write_tiny_llama


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def made(*parts: bytes, tensors: int = 0, pairs: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + b"".join(parts)


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def fails(path: Path, content: bytes) -> ModelFileError:
    path.write_bytes(content)
    os.utime(path, (1, 1))  # old, so that nothing seems to be writing it
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    assert caught.value.hint
    return caught.value


def test_reads_what_the_reference_reader_reads(tiny_path: Path) -> None:
    """Metadata, tensors, sizes and offsets are those of the gguf package's reader."""
    reference, header = gguf.GGUFReader(tiny_path), read_header(tiny_path)
    assert (header.version, header.alignment) == (3, 32)
    assert header.data_offset == reference.data_offset
    assert header.size_bytes == tiny_path.stat().st_size
    for ours, theirs in zip(header.tensors, reference.tensors, strict=True):
        assert ours.name == theirs.name
        assert ours.shape == tuple(int(length) for length in theirs.shape)
        assert ours.type_name == theirs.tensor_type.name
        assert ours.size_bytes == int(theirs.n_bytes)
        assert ours.offset + header.data_offset == int(theirs.data_offset)
    names = [name for name in reference.fields if not name.startswith("GGUF.")]
    assert list(header.metadata) == names
    for name in names:
        expected, found = reference.fields[name].contents(), header.metadata[name]
        assert found == (tuple(expected) if isinstance(expected, list) else expected), name


def test_reads_the_real_model(model_file: ModelFile) -> None:
    """The default model's header is read; its vocabulary is counted and not kept."""
    header = read_header(model_file.path)
    assert (len(header.tensors), header.data_offset) == (272, 1_785_664)
    assert header.metadata["tokenizer.ggml.tokens"] == LongArray("string", 49_152)
    assert header.metadata["tokenizer.ggml.token_type"] == LongArray("int32", 49_152)
    assert str(header.metadata["tokenizer.chat_template"]).startswith("{% for message in messages %}")


def test_the_vocabulary_costs_no_memory(model_file: ModelFile) -> None:
    """Reading 98,000 strings of a header takes less than 4 MiB at any moment."""
    read_header(model_file.path)
    tracemalloc.start()
    try:
        read_header(model_file.path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_keeps_small_arrays_of_every_type(tmp_path: Path) -> None:
    """Arrays by layer are kept as tuples, whatever their number type; long ones are counted."""
    values: Mapping[str, Any] = {
        "test.heads": [8, 0, 8, 0],
        "test.negative": [-1, 2],
        "test.floats": [0.5, 0.25],
        "test.flags": [True, False],
        "test.texts": ["a", "é"],
        "test.long": list(range(1025)),
        "test.big": 2**40,
        "test.flag": True,
    }
    header = read_header(write_tiny_llama(tmp_path / "m.gguf", metadata=values))
    for name in ("test.heads", "test.negative", "test.floats", "test.flags", "test.texts"):
        assert header.metadata[name] == tuple(values[name])
    assert header.metadata["test.long"] == LongArray("int32", 1025)
    assert len(LongArray("int32", 1025)) == 1025
    assert (header.metadata["test.big"], header.metadata["test.flag"]) == (2**40, True)


def test_reads_version_2(tiny_path: Path, tiny_bytes: bytes, tmp_path: Path) -> None:
    """Version 2 has the layout of version 3."""
    old = tmp_path / "old.gguf"
    old.write_bytes(tiny_bytes[:4] + struct.pack("<I", 2) + tiny_bytes[8:])
    assert read_header(old).version == 2
    assert read_header(old).tensors == read_header(tiny_path).tensors


def test_alignment_is_the_files_own(tmp_path: Path) -> None:
    """The data begin at a multiple of general.alignment."""
    path = tmp_path / "m.gguf"
    pair = text("general.alignment") + struct.pack("<II", 4, 1024)
    path.write_bytes(made(pair, tensor("t", (4,)), tensors=1, pairs=1).ljust(1024 + 16, b"\0"))
    header = read_header(path)
    assert (header.alignment, header.data_offset) == (1024, 1024)


def test_header_is_frozen(tiny_path: Path) -> None:
    """Nobody can change what was read."""
    header = read_header(tiny_path)
    with pytest.raises(TypeError):
        header.metadata["x"] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        header.version = 2  # type: ignore[misc]
    assert isinstance(header, Header)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 98362432\n"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"GG", "is not a GGUF file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
        (b"\xef\xbb\xbf\n <HTML lang=en>", "is a web page"),
        (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "is a web page"),
        (LFS, "is a Git LFS pointer for a file of 98 MB"),
        (b'{"error": "Repository not found"}', "is JSON"),
        (b"PK\x03\x04" + b"\0" * 100, "is a ZIP archive"),
        (b"\x1f\x8b\x08" + b"\0" * 100, "is a gzip archive"),
        (b"tjgg\x03\0\0\0", "is a GGML file of 2023"),
        (struct.pack("<Q", 20) + b'{"__metadata__": {}}' + b"\0" * 9, "is a safetensors file"),
        (b"\0" * 4096, "begins with zeros"),
        (b"root:x:0:0:root", r"is not a GGUF file: it begins with 'root:x:0:0:root'"),
        (b"\x1b[2J\xff" * 8, r"begins with '\x1b[2J\xff"),
        (made(version=1), "GGUF version 1, which llama.cpp reads no longer"),
        (made(version=0), "its version is 0"),
        (made(version=4), "GGUF version 4, and versions 2 and 3 are known"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "is a big-endian GGUF"),
    ],
)
def test_names_what_the_file_is_instead(tmp_path: Path, content: bytes, word: str) -> None:
    """A file that is no GGUF of today is called what it is, with a next step."""
    assert word in fails(tmp_path / "model.gguf", content).message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (made(tensors=2**60), "it claims 1,152,921,504,606,846,976 tensors"),
        (made(pairs=2**20), "1,048,576 metadata entries"),
        (made(struct.pack("<Q", 2**50), pairs=1), "more than 65,535"),
        (made(text("k"), struct.pack("<IQ", 8, 2**30), pairs=1), "the value of k has 1,073,741,824 bytes"),
        (made(text("k"), struct.pack("<IIQ", 9, 4, 2**40), pairs=1), "is an array of 1,099,511,627,776 elements"),
        (made(text("k"), struct.pack("<IIQ", 9, 9, 1), pairs=1), "is an array of the unknown type 9"),
        (made(text("k"), struct.pack("<I", 13), pairs=1), "has the unknown type 13"),
        (made(text(""), struct.pack("<IB", 0, 1), pairs=1), "key '' is empty"),
        (made(*[text("k") + struct.pack("<IB", 0, 1)] * 2, pairs=2), "key 'k' stands there twice"),
        (made(text("general.alignment"), struct.pack("<II", 4, 0), pairs=1), "alignment '0' is not a power of two"),
        (made(text("general.alignment"), struct.pack("<II", 4, 48), pairs=1), "alignment '48' is not"),
        (made(text("general.alignment"), struct.pack("<I", 8), text("x"), pairs=1), "alignment 'x' is not"),
        (made(tensor("t", (1, 1, 1, 1, 1)), tensors=1), "has 5 dimensions"),
        (made(tensor("t", (0, 4)), tensors=1), "cannot have the shape (0, 4)"),
        (made(tensor("t", (2**40, 2**40)), tensors=1), "cannot have the shape"),
        (made(tensor("t", (33,), kind=2), tensors=1), "cannot have the shape (33,) in the format Q4_0"),
        (made(tensor("t", (32,), kind=4), tensors=1), "in the old format Q4_2"),
        (made(tensor("t", (32,), kind=99), tensors=1), "in a format unknown here (type 99)"),
        (made(tensor("t" * 64, (1,)), tensors=1), "the table of tensors has 64 bytes, more than 63"),
        (made(*[tensor("t", (1,))] * 2, tensors=2), "two tensors have the same name"),
    ],
)
def test_a_senseless_number_is_named(tmp_path: Path, content: bytes, word: str) -> None:
    """A number that cannot be true is refused before it is used, and shown."""
    assert word in fails(tmp_path / "model.gguf", content).message


def test_kept_values_are_bounded_together(tmp_path: Path) -> None:
    """Many strings, each within its limit, do not add up to gigabytes."""
    big = struct.pack("<I", 8) + text(b"x" * (8 << 20))
    content = made(*[text(f"k{i}") + big for i in range(5)], pairs=5)
    assert "its header holds more than 134 MB" in fails(tmp_path / "model.gguf", content).message


def test_kept_arrays_are_bounded_together(tmp_path: Path) -> None:
    """Nor do many short arrays of bytes, each of which takes forty times its size in Python."""
    array = struct.pack("<IIQ", 9, 1, 1024) + bytes(range(128, 256)) * 8
    content = made(*[text(f"k{i}") + array for i in range(4000)], pairs=4000)
    assert "its header holds more than 134 MB" in fails(tmp_path / "model.gguf", content).message


def test_a_skipped_string_cannot_lead_out_of_the_file(tmp_path: Path) -> None:
    """The lengths within a long array are checked as well, the last one too."""
    strings = [text("token")] * 2000
    for broken, length, word in [(700, 2**50, "claims"), (700, 10**6, "truncated"), (1999, 10**6, "truncated")]:
        changed = [*strings[:broken], struct.pack("<Q", length), *strings[broken + 1 :]]
        content = made(text("k"), struct.pack("<IIQ", 9, 8, 2000), *changed, pairs=1)
        assert word in fails(tmp_path / "model.gguf", content).message


def test_every_truncation_of_the_header_is_noticed(tiny_path: Path, tiny_bytes: bytes, tmp_path: Path) -> None:
    """Wherever a header is cut, the error says that the file is not whole and how much of it is there."""
    path = tmp_path / "cut.gguf"
    table_end = read_header(tiny_path).data_offset - 32  # less the padding
    for end in [*range(8, 200), *range(200, table_end, 97)]:
        message = fails(path, tiny_bytes[:end]).message
        assert "is truncated: it ends in" in message
        assert f"{end:,} bytes of at least" in message


def test_a_download_under_way_is_told_from_a_broken_one(tmp_path: Path, tiny_bytes: bytes) -> None:
    """A partial file's name, its neighbour or its age say that it is still being written."""
    part = tiny_bytes[:5000]
    assert "is truncated" in fails(tmp_path / "old.gguf", part).message
    assert "is still downloading" in fails(tmp_path / "a.gguf.part", part).message
    (tmp_path / "b.gguf.aria2").touch()
    assert "is still downloading" in fails(tmp_path / "b.gguf", part).message
    fresh = tmp_path / "fresh.gguf"
    fresh.write_bytes(part)
    with pytest.raises(ModelFileError, match="truncated or still downloading") as caught:
        read_header(fresh)
    assert "Wait" in caught.value.hint


def test_what_is_no_file(tmp_path: Path) -> None:
    """A missing path, a directory, a NUL and an endless name are errors of the same kind."""
    (tmp_path / "x.gguf").touch()
    for path, word in [
        (tmp_path / "none.gguf", "does not exist"),
        (tmp_path, "is a directory"),
        ("a\0b.gguf", "cannot be read"),
        ("a" * 5000 + ".gguf", "cannot be read"),
    ]:
        with pytest.raises(ModelFileError, match=word):
            read_header(path)
    with pytest.raises(ModelFileError) as caught:
        read_header(tmp_path)
    assert caught.value.hint == "Name one file in it: x.gguf"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A named pipe is refused; opening it would wait for ever."""
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelFileError, match="not a regular file"):
        read_header(tmp_path / "pipe.gguf")


def test_no_permission(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read, or a disk that fails, is an error that says so."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sys.modules[read_header.__module__], "open", refuse, raising=False)
    with pytest.raises(ModelFileError, match="cannot be read: Permission denied"):
        read_header(tiny_path)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is only believed until the bytes are missing."""
    path = write_tiny_llama(tmp_path / "m.gguf", n_vocab=600)
    whole = os.stat(path)
    path.write_bytes(path.read_bytes()[:2000])
    monkeypatch.setattr("jupyter_localllm.models.gguf.stat_file", lambda _: whole)
    with pytest.raises(ModelFileError, match="truncated"):
        read_header(path)


def test_the_template_is_kept_whole(tiny_path: Path) -> None:
    """The chat template comes out as it went in."""
    assert read_header(tiny_path).metadata["tokenizer.chat_template"] == CHATML
