"""Files of settings: YAML, TOML or JSON, read into plain tables."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jupyter_localllm.config.layers import parse_toml
from jupyter_localllm.config.masked import masked
from jupyter_localllm.errors import DependencyMissing, SettingsError

__all__ = ["read_file", "table_in"]

_LARGEST = 1 << 20  # bytes: a file of settings has a few hundred
_MOST_VALUES = 100_000  # with each alias counted for all that it stands for
_LONGEST_NUMBER = 400  # characters


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file of settings holds, by its ending: ``.yaml``, ``.yml``, ``.toml`` or ``.json``.

    Raises
    ------
    SettingsError
        There is no such file, it is too large, or it cannot be read as what its name says.
    DependencyMissing
        It is YAML, and PyYAML is not installed.
    """
    path = Path(path).expanduser()
    readers: dict[str, Callable[[str, Path], Any]] = {
        ".toml": parse_toml,
        ".json": _parse_json,
        ".yaml": _parse_yaml,
        ".yml": _parse_yaml,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SettingsError(f"{path} is no file of settings by its name", "It ends in .yaml, .yml, .toml or .json.")
    try:
        if path.stat().st_size > _LARGEST:
            raise SettingsError(f"{path} has {path.stat().st_size:,} bytes: that is no file of settings")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"there is no file {path}", f"Relative paths begin at {_here()}.") from None
    except (OSError, ValueError) as error:  # what is no UTF-8, or a zero character in the name
        raise SettingsError(f"{path} cannot be read: {error}") from None
    return table_in(reader(text, path), f"{path} as a whole")


def table_in(value: Any, what: str) -> dict[str, Any]:
    """A table with names as keys; an empty part of YAML is an empty one.

    Raises
    ------
    SettingsError
        It is something else; `what` says which part of the file.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"{what} is {type(value).__name__}, not names with values")
    for key in value:
        if not isinstance(key, str):
            raise SettingsError(f"{what} holds the key {key!r}, which is no name")
    return value


def _parse_json(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is no JSON: {error}") from None


def _once(pairs: Iterable[tuple[Any, Any]], path: Path) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for key, value in pairs:
        if key in made:
            raise SettingsError(f"{path}: {key} is said twice", "Leave one of them.")
        made[key] = value
    return made


def _parse_yaml(text: str, path: Path) -> Any:
    how = 'Run: pip install "jupyter_localllm[yaml]"  (or write it as TOML, which needs nothing)'
    with DependencyMissing.unless_imported(f"{path} is YAML, and needs PyYAML", how):
        import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """The safe loader, which makes plain values only, and minds keys that are said twice and what is too much."""

        def get_single_node(self) -> Any:
            node = super().get_single_node()
            if _count(node, {}) > _MOST_VALUES:
                raise SettingsError(f"{path} holds more than {_MOST_VALUES:,} values, what its aliases repeat included")
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            _once([(key.value, None) for key, _ in node.value if isinstance(key, yaml.ScalarNode)], path)
            made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
            return made

    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is no YAML: {masked(' '.join(str(error).split()))}") from None


def _count(node: Any, known: dict[int, int]) -> int:
    """Count what a node of YAML holds, each alias as all that it stands for: a few lines can mean billions.

    Raises
    ------
    ValueError
        It cannot be written out, or a number in it would take minutes to read.
    """
    if node is None or isinstance(node.value, str):
        if node is not None and len(node.value) > _LONGEST_NUMBER and node.tag.endswith((":int", ":float")):
            raise ValueError(f"a number has {len(node.value):,} characters")
        return 1
    if (count := known.get(id(node))) is not None:
        if not count:
            raise ValueError("an alias leads into itself")
        return count
    known[id(node)] = 0
    inner = (part for one in node.value for part in (one if isinstance(one, tuple) else (one,)))
    known[id(node)] = count = 1 + sum(_count(one, known) for one in inner)
    return count


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "a folder that is gone"
