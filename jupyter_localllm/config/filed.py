"""Settings that a file may set: all of it, or nothing of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from traitlets import TraitError

from jupyter_localllm.config.files import read_file
from jupyter_localllm.config.sections import settings_in, written_as
from jupyter_localllm.config.settings import Settings
from jupyter_localllm.errors import SettingsError, close_match

__all__ = ["FileSettings"]

_LONGEST_VALUE = 300  # characters of a value in a message
_SECTIONS = ("inference", "bench")  # the latter is what `%llm bench --file` is to measure


class FileSettings(Settings):
    """The settings, with what a file of settings does to them."""

    def apply_file(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Take the settings of a file's section ``inference``: all of them, or none if one is wrong.

        Parameters
        ----------
        path : path
            YAML, TOML or JSON; see `jupyter_localllm.config.files`.

        Returns
        -------
        dict
            What was set, by name.

        Raises
        ------
        SettingsError
            The file cannot be read, a key is unknown, or a value does not fit; all that is wrong is told.
        """
        content = read_file(path)
        for key in content:
            if key not in _SECTIONS:
                told = close_match(key, _SECTIONS) or f"The sections are {' and '.join(_SECTIONS)}."
                raise SettingsError(f"{path}: {key} is unknown", told)
        if "inference" not in content:
            raise SettingsError(f"{path} has no section inference: it sets nothing", "See docs/settings.md.")
        checked = self.checked_values(settings_in(content["inference"], path, self.setting_names()), path)
        self._check_together(checked, str(path))
        self._apply(checked, str(path))
        self._layer = "set in this session"
        return checked

    def _check_together(self, values: Mapping[str, Any], where: str) -> None:
        """Raise an error for values that no trait by itself can judge; handles know more of them."""

    def checked_values(self, values: Mapping[str, Any], path: str | os.PathLike[str]) -> dict[str, Any]:
        """Settings as a file writes them, as their traits hold them; one without a value is left as it is.

        Raises
        ------
        SettingsError
            Values do not fit; all of them are told.
        """
        checked, problems, traits = {}, [], self.traits(config=True)
        for name, value in values.items():
            if name not in traits:
                problems.append(f"unknown setting {name!r}. {close_match(name, traits)}")
                continue
            try:
                if value is not None or traits[name].allow_none:
                    checked[name] = self.checked(name, written_as(traits[name], value))
            except (ValueError, TraitError) as error:
                problems.append(f"{name} cannot be {_shown(value)}: {error}. {traits[name].help}")
            except SettingsError as error:
                problems.append(f"{error.message}. {error.hint}")
        if problems:
            raise SettingsError(f"{path}: " + "\n".join(problems))
        return checked


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
    except ValueError:  # a number of thousands of digits
        return "a number of that size"
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]} …"
