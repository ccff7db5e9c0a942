"""What discovery passes on: a file, what it is called, and whose folder it lies in."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Allowance", "Machine", "Spot", "is_model_name", "stem", "walk"]

_FURTHER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")
_FIRST_PART = re.compile(r"-00001-of-\d{5}$")
_MOST_ENTRIES = 20_000  # of one folder of the settings, or one program: a wrong setting must not read a whole disk


@dataclass(frozen=True)
class Spot:
    """A model file that lies somewhere; nothing of it has been read.

    Parameters
    ----------
    path : Path
        Absolute.
    name : str
        What people call it: the file's stem, or the tag that the program of the folder knows it by.
    place : str
        Whose folder it is, for people.
    sha256 : str
        Of the file, where the folder's program has written it down; else ``""``.
    """

    path: Path
    name: str
    place: str
    sha256: str = ""


class Allowance:
    """How many entries of folders may still be looked at."""

    def __init__(self) -> None:
        self.left = _MOST_ENTRIES

    def take(self, count: int) -> bool:
        """Whether so many more may be."""
        self.left -= count
        return self.left >= 0


@dataclass(frozen=True)
class Machine:
    """What decides where programs keep their files; another one for tests.

    Parameters
    ----------
    home : Path
    environment : Mapping of str to str
    platform : str
        As ``sys.platform``.
    shared : Path
        Where programs that run as services keep theirs: ``/usr/share``.
    allowance : Allowance
        For the place that is looked at.
    """

    home: Path = field(default_factory=lambda: Path(os.path.expanduser("~")))
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    platform: str = sys.platform
    shared: Path = Path("/usr/share")
    allowance: Allowance = field(default_factory=Allowance, compare=False)

    def named(self, variable: str) -> Path | None:
        """Read a folder from the environment; None if the variable is not set."""
        value = self.environment.get(variable, "").strip()
        if not value:
            return None
        return self.home / value[2:] if value.startswith(("~/", "~\\")) else Path(value)

    @property
    def cache(self) -> Path:
        """The user's folder for caches by the XDG rules, which most of these programs keep on every system."""
        return self.named("XDG_CACHE_HOME") or self.home / ".cache"

    @property
    def local_data(self) -> Path:
        """The user's folder for the data of programs on this machine."""
        if self.platform == "win32":
            return self.named("LOCALAPPDATA") or self.home / "AppData" / "Local"
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self.named("XDG_DATA_HOME") or self.home / ".local" / "share"


def stem(path: Path) -> str:
    """Name a file as people do: without ``.gguf``, and a split model without the number of its first part."""
    name = path.stem if path.suffix.lower() == ".gguf" else path.name
    return _FIRST_PART.sub("", name)


def is_model_name(name: str) -> bool:
    """Whether a file's name is that of a model: no projector, no further part of a split model, no hidden file."""
    path = Path(name)
    return (
        path.suffix.lower() == ".gguf"
        and not name.startswith(".")
        and not name.lower().startswith("mmproj")
        and not _FURTHER_PART.search(path.stem)
    )


def walk(root: Path, depth: int, allowance: Allowance) -> Iterator[Path]:
    """Yield the model files under a folder, in a fixed order; folders that cannot be read are left out.

    Parameters
    ----------
    root : Path
    depth : int
        Levels of folders below it that are looked into. Links to folders are followed, no further than that.
    allowance : Allowance
        After it is used up, no further folder is looked into.
    """
    waiting = [(root, 0)]
    while waiting:
        folder, level = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except (OSError, ValueError):  # not there, not readable, or no name that a folder could have
            continue
        if allowance.left <= 0:
            allowance.take(len(inside))
            return
        further, deeper = allowance.take(len(inside)), []
        for entry in inside:
            try:
                if entry.is_dir():
                    if further and level < depth and not entry.name.startswith("."):
                        deeper.append((Path(entry.path), level + 1))
                elif is_model_name(entry.name):
                    yield Path(entry.path)
            except OSError:
                continue
        waiting.extend(reversed(deeper))
