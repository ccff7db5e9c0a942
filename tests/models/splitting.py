"""Cut a GGUF into parts, as llama.cpp's ``llama-gguf-split`` does."""

from __future__ import annotations

from pathlib import Path

import gguf

__all__ = ["split"]


def split(path: Path, folder: Path, count: int) -> list[Path]:
    """Write the parts of a model; all metadata stand in the first."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(path)
    tensors = reader.tensors
    size = -(-len(tensors) // count)
    written = []
    for number in range(count):
        part = folder / f"{path.stem}-{number + 1:05d}-of-{count:05d}.gguf"
        writer = gguf.GGUFWriter(part, "llama")
        if number == 0:
            for name, value in reader.fields.items():
                if not name.startswith("GGUF.") and name != "general.architecture":
                    kind = value.types[0]
                    inner = value.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
                    writer.add_key_value(name, value.contents(), kind, inner)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", count)
        writer.add_int32("split.tensors.count", len(tensors))
        for tensor in tensors[number * size : (number + 1) * size]:
            writer.add_tensor(tensor.name, tensor.data)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        written.append(part)
    return written
