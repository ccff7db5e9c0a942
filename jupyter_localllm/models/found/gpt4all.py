"""GPT4All's folders: those of the program and of its Python package.

The program's is ``defaultLocalModelsPath``, unless its settings name another one (``modelPath``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from jupyter_localllm.models.found.base import Machine, Spot, stem, walk

__all__ = ["PLACE", "spots"]

PLACE = "GPT4All"


def spots(machine: Machine) -> Iterator[Spot]:
    """Yield the GGUF files of its folders."""
    for folder in dict.fromkeys(_folders(machine)):
        for path in walk(folder, 0, machine.allowance):
            yield Spot(path, stem(path), PLACE)


def _folders(machine: Machine) -> Iterator[Path]:
    yield from _chosen(machine)
    yield machine.local_data / "nomic.ai" / "GPT4All"
    yield machine.home / ".cache" / "gpt4all"


def _chosen(machine: Machine) -> Iterator[Path]:
    """Read the folder in its settings (an INI file of Qt)."""
    if machine.platform == "win32":
        base = machine.named("APPDATA") or machine.home / "AppData" / "Roaming"
    else:
        base = machine.named("XDG_CONFIG_HOME") or machine.home / ".config"
    try:
        text = (base / "nomic.ai" / "GPT4All.ini").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    match = re.search(r"^modelPath=(.+)$", text, re.MULTILINE)
    if match and Path(match[1].strip()).is_absolute():
        yield Path(match[1].strip())
