"""Whether two model files hold the same, without reading them as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from pathlib import Path

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.identity import file_key, is_remembered, sha256_of
from jupyter_localllm.models.mistaken import stat_file
from jupyter_localllm.models.parts import parts_of

__all__ = ["known_sha256", "same_content"]

_SAMPLES, _SAMPLE_BYTES = 256, 4096
_PREFIX = "samples-1:"


def same_content(one: Path, other: Path, memo: MutableMapping[str, str]) -> bool:
    """Whether size and samples of two models agree; False for what cannot be read, or is empty.

    Parameters
    ----------
    one, other : Path
        Of a model in several files the first.
    memo : MutableMapping of str to str
        Where samples are remembered.
    """
    try:
        return _size(one) == _size(other) and _samples(one, memo) == _samples(other, memo)
    except (OSError, ModelFileError):
        return False


def known_sha256(path: Path, memo: MutableMapping[str, str]) -> str:
    """The hash of a model if it need not be read for it; else ``""``."""
    return sha256_of(path, memo) if is_remembered(path, memo) else ""


def _size(path: Path) -> int:
    return sum(stat_file(part).st_size for part in parts_of(path))


def _samples(path: Path, memo: MutableMapping[str, str]) -> str:
    """Hash pieces from all over a model: 1 MB of it."""
    parts = parts_of(path)
    key = _PREFIX + "|".join(file_key(part, stat_file(part)) for part in parts)
    known = memo.get(key)
    if known is not None:
        return known
    digest = hashlib.sha256()
    for part in parts:
        size = part.stat().st_size
        count = max(1, _SAMPLES // len(parts))
        with open(part, "rb", buffering=0) as file:
            for number in range(count):
                file.seek(number * max(size - _SAMPLE_BYTES, 0) // max(count - 1, 1))
                digest.update(file.read(_SAMPLE_BYTES))
    memo[key] = digest.hexdigest()
    return digest.hexdigest()
