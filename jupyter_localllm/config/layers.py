"""Where settings come from, before a trait holds them.

defaults < configuration file < ``[tool.jupyter_localllm]`` < environment < ``%config`` < argument
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_localllm.errors import SettingsError, close_match

__all__ = [
    "ENVIRONMENT_PREFIX",
    "default_cache_dir",
    "default_pull_dir",
    "environment_settings",
    "parse_toml",
    "pyproject_settings",
    "working_directory",
]

ENVIRONMENT_PREFIX = "JUPYTER_LOCALLLM_"

# A project's file comes with the project, from anybody. These are a person's to say; what it may say of them is beside.
_ONLY_PERSONS = {"allow_remote": False, "api_key_env": "", "offline": True}


def default_cache_dir() -> Path:
    """The platform's place for caches: ``~/.cache/jupyter_localllm`` on Linux, unless ``XDG_CACHE_HOME`` is set.

    Raises
    ------
    SettingsError
        Whoever runs this has no home.
    """
    from platformdirs import user_cache_dir

    with _at_home():
        return Path(user_cache_dir("jupyter_localllm", appauthor=False))


def default_pull_dir() -> Path:
    """The place for models: ``~/.local/share/jupyter_localllm/models`` on Linux, unless ``XDG_DATA_HOME`` is set.

    Raises
    ------
    SettingsError
        Whoever runs this has no home.
    """
    from platformdirs import user_data_dir

    with _at_home():
        return Path(user_data_dir("jupyter_localllm", appauthor=False)) / "models"


def pyproject_settings(start: Path, known: Iterable[str]) -> tuple[dict[str, Any], Path | None]:
    """The table ``[tool.jupyter_localllm]`` of the nearest ``pyproject.toml`` at or above `start`.

    Keys may be written with hyphens.

    Returns
    -------
    settings : dict
    path : Path or None
        The file they come from.

    Raises
    ------
    SettingsError
        The file is not TOML, a key is unknown, or it would let something leave the machine.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        table = _read_toml(path).get("tool", {}).get("jupyter_localllm")
        if table is None:
            return {}, None
        if not isinstance(table, dict):
            raise SettingsError(f"[tool.jupyter_localllm] in {path} is not a table")
        found = {_known(key.replace("-", "_"), known, f"in {path}"): value for key, value in table.items()}
        for name, harmless in _ONLY_PERSONS.items():
            if found.get(name, harmless) != harmless:
                raise SettingsError(
                    f"{name} cannot be set by a project: {path} may be somebody else's, and it decides what may leave",
                    f"If you want it, set {ENVIRONMENT_PREFIX}{name.upper()} in the environment, or LocalLLM.{name} in "
                    "IPython's configuration file.",
                )
        return found, path
    return {}, None


def environment_settings(environment: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Settings from variables like ``JUPYTER_LOCALLLM_TEMPERATURE``, as strings.

    Raises
    ------
    SettingsError
        A variable with our prefix names no setting.

    Examples
    --------
    >>> environment_settings({"JUPYTER_LOCALLLM_SEED": "7", "HOME": "/"}, ["seed"])
    {'seed': '7'}
    """
    names = list(known)
    found = {}
    for variable, value in environment.items():
        if variable.upper().startswith(ENVIRONMENT_PREFIX):
            setting = variable[len(ENVIRONMENT_PREFIX) :].lower()
            found[_known(setting, names, f"in the environment ({variable})")] = value
    return found


def working_directory() -> Path:
    """The current directory, or the home directory if it is gone."""
    try:
        return Path(os.getcwd())
    except OSError:
        with _at_home():
            return Path.home()


@contextmanager
def _at_home() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # containers run as a number that no list of users knows
        raise SettingsError(
            f"this user has no home directory ({error})", "Set HOME to a directory that this user may write to."
        ) from None


def _known(name: str, known: Iterable[str], where: str) -> str:
    names = list(known)
    if name not in names:
        raise SettingsError(f"unknown setting {name!r} {where}", close_match(name, names) or "%llm config lists all.")
    return name


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises
    ------
    SettingsError
        It is no TOML; `path` is named.
    """
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        table: dict[str, Any] = tomllib.loads(text)
        return table
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        raise SettingsError(f"{path} cannot be read: {error}") from error
