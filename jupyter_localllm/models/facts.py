"""What the header of a file says of it, remembered: a list of models need not open files that it knows."""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass, fields

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.checks import check_model
from jupyter_localllm.models.gguf import Header
from jupyter_localllm.models.identity import file_key
from jupyter_localllm.models.kinds import kind_of, quantization_of
from jupyter_localllm.models.mistaken import stat_file
from jupyter_localllm.models.parts import parts_of
from jupyter_localllm.models.shape import ModelShape, read_shape

__all__ = ["Facts", "facts_of"]

_PREFIX = "facts-1:"  # raise the number when a field changes its meaning


@dataclass(frozen=True)
class Facts:
    """What a file's header says, or what is wrong with it.

    Parameters
    ----------
    kind : str
        See `jupyter_localllm.models.kinds.Kind`; ``"broken"`` where there is a problem.
    architecture : str
    quantization : str
    size_bytes : int
        Of all its files.
    title : str
        Its own name (``general.name``).
    license : str
        As the file says it.
    parameters : int
        Numbers in all tensors.
    shape : ModelShape or None
        None for what is no model.
    problem : str
        What is wrong with it, and what to do; empty if nothing.
    """

    kind: str
    architecture: str = ""
    quantization: str = ""
    size_bytes: int = 0
    title: str = ""
    license: str = ""
    parameters: int = 0
    shape: ModelShape | None = None
    problem: str = ""

    @property
    def writes(self) -> bool:
        """Whether it can answer."""
        return self.kind in ("chat", "completion")


def facts_of(path: str | os.PathLike[str], memo: MutableMapping[str, str]) -> Facts:
    """Read a file's header, unless it is remembered for this state of the file.

    Parameters
    ----------
    path : path
        Of a split model: its first part.
    memo : MutableMapping of str to str
        Where it is remembered, across processes if it is on disk.

    Raises
    ------
    ModelFileError
        The file is gone, or may not be looked at; whatever else is wrong with it is told in `Facts.problem`.
    """
    key = _PREFIX + "|".join(file_key(part, stat_file(part)) for part in parts_of(path))
    known = _read(memo.get(key))
    if known is not None:
        return known
    try:
        found = _facts(path, check_model(path, known_architecture=lambda _name: True))
    except ModelFileError as error:
        return Facts("broken", problem=str(_newer(path) or error))  # not kept: a download may go on
    memo[key] = json.dumps(asdict(found))
    return found


def _newer(path: str | os.PathLike[str]) -> ModelFileError | None:
    """What is wrong with a file for the installed llama.cpp: a newer architecture may have words of its own."""
    try:
        check_model(path)
    except ModelFileError as error:
        return error
    return None


def _facts(path: str | os.PathLike[str], header: Header) -> Facts:
    kind, data = kind_of(header), header.metadata
    is_model = kind in ("chat", "completion", "embedding", "reranker")
    return Facts(
        kind,
        architecture=str(data.get("general.architecture", ""))[:64],
        quantization=quantization_of(header),
        size_bytes=header.size_bytes,
        title=_text(data.get("general.name")),
        license=_text(data.get("general.license")),
        parameters=sum(_count(tensor.shape) for tensor in header.tensors),
        shape=read_shape(path, header) if is_model else None,
    )


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _text(value: object) -> str:
    return value.strip()[:100] if isinstance(value, str) else ""


def _read(text: str | None) -> Facts | None:
    """Read what was remembered; None if it was written by a version with other fields."""
    if text is None:
        return None
    try:
        values = json.loads(text)
        shape = values.pop("shape")
        if set(values) | {"shape"} != {field.name for field in fields(Facts)}:
            return None
        return Facts(**values, shape=None if shape is None else ModelShape(**shape))
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
