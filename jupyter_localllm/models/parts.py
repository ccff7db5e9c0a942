"""Models in several files, as llama.cpp's ``llama-gguf-split`` writes them.

The parts lie side by side and are called ``NAME-00001-of-00003.gguf`` (``llama_split_path``); llama.cpp is given the
first and finds the others by that rule.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from jupyter_localllm.config.reach import reachable

__all__ = ["part_names", "parts_of"]

_PART = re.compile(r"(?P<prefix>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.gguf)", re.IGNORECASE | re.DOTALL)
_MOST_PARTS = 1000


def part_names(name: str) -> tuple[str, ...]:
    """Name all parts of a split model by the name of one of them; other names stand for themselves.

    Examples
    --------
    >>> part_names("m-00002-of-00002.gguf")
    ('m-00001-of-00002.gguf', 'm-00002-of-00002.gguf')
    >>> part_names("m.gguf")
    ('m.gguf',)
    """
    match = _PART.fullmatch(name)
    count = int(match["count"]) if match else 1
    if match is None or not 1 < count <= _MOST_PARTS or not 1 <= int(match["number"]) <= count:
        return (name,)
    return tuple(f"{match['prefix']}-{number:05d}-of-{match['count']}{match['end']}" for number in range(1, count + 1))


def parts_of(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Find the files of a model by one of them: the first part first. Only if all are there; else it stands alone.

    Who looks at what stands alone is told that its mount does not answer, or which parts are not there.
    """
    path = Path(path)
    parts = tuple(path.with_name(name) for name in part_names(path.name)) if path.name else (path,)
    return parts if len(parts) > 1 and all(reachable(part) and os.path.isfile(part) for part in parts) else (path,)
