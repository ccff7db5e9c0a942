"""The sections of a file of settings, ``inference: model, sampling, runtime, output``, and what they mean for us.

The names of other programs stand beside our own: ``path`` is the setting ``model``, ``thread_count`` is ``n_threads``,
and ``grammar_enabled`` with ``grammar_schema`` is ``schema``.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from traitlets import Enum, Float, Int, TraitType

from jupyter_localllm.config.files import table_in
from jupyter_localllm.errors import SettingsError, close_match

__all__ = ["SECTIONS", "placed", "section_of", "settings_in", "written_as"]

SECTIONS = ("model", "sampling", "runtime", "output")
_IN_SECTION = {
    "model": (
        *("model", "model_dirs", "model_places", "pull_dir", "adapter", "n_ctx", "n_gpu_layers", "quantization"),
        *("draft_model", "embedding_model", "endpoint", "allow_remote", "api_key_env", "offline"),
    ),
    "sampling": (
        *("temperature", "top_p", "top_k", "min_p", "typical_p", "repeat_penalty", "repeat_last_n"),
        *("frequency_penalty", "presence_penalty", "seed"),
    ),
    "output": (
        *("max_tokens", "schema", "stop", "system", "format", "streaming", "on_error"),
        *("reasoning_budget", "tool_rounds", "must_call"),
    ),
}
_HOME = {name: section for section, names in _IN_SECTION.items() for name in names}
_OTHER_NAMES = {"model": {"path": "model"}, "runtime": {"thread_count": "n_threads"}}
_GRAMMAR = ("grammar_enabled", "grammar_schema")
_PATHS = ("model", "adapter", "draft_model", "embedding_model", "cache_dir", "schema")


def section_of(name: str) -> str:
    """The section in which a setting stands; what is of no other is of ``runtime``."""
    return _HOME.get(name, "runtime")


def settings_in(table: Any, path: str | os.PathLike[str], known: Iterable[str]) -> dict[str, Any]:
    """The settings that the section ``inference`` of a file names, under the names of our traits, not checked yet.

    Parameters
    ----------
    table : object
        What stands under ``inference``.
    path : path
        The file, for messages, and for paths that are relative to its folder.
    known : iterable of str
        The names of all settings.

    Raises
    ------
    SettingsError
        A section or a key is unknown, stands in the wrong section, or is said twice; all that is wrong is told.
    """
    problems: list[str] = []
    found: dict[str, Any] = {}
    names, folder = list(known), Path(path).expanduser().absolute().parent
    for section, content in table_in(table, f"inference in {path}").items():
        if section not in SECTIONS:
            otherwise = f"The sections are {', '.join(SECTIONS)}."
            problems.append(_unknown(f"inference.{section}", section, SECTIONS, otherwise))
            continue
        values = dict(table_in(content, f"inference.{section} in {path}"))
        grammar = {key: values.pop(key) for key in _GRAMMAR if section == "output" and key in values}
        if grammar:
            _schema(grammar, found, problems)
        for key, value in values.items():
            name = _OTHER_NAMES.get(section, {}).get(key, key)
            if (problem := _misplaced(section, key, name, names)) or name in found:
                problems.append(problem or f"inference.{section}.{key}: {name} is said twice")
            else:
                found[name] = value
    if problems:
        raise SettingsError(f"{path}: " + "\n".join(problems), "%llm config lists all settings.")
    return {name: placed(name, value, folder) for name, value in found.items()}


def _schema(grammar: Mapping[str, Any], found: dict[str, Any], problems: list[str]) -> None:
    """``grammar_enabled`` and ``grammar_schema`` as the setting ``schema``."""
    enabled, schema = grammar.get("grammar_enabled"), grammar.get("grammar_schema")
    if enabled is not None and not isinstance(enabled, bool):
        problems.append(f"inference.output.grammar_enabled is {enabled!r}: it is true or false")
    elif enabled and not schema:
        problems.append(
            "inference.output.grammar_enabled is true and there is no grammar_schema: give a JSON Schema, or a file"
        )
    elif isinstance(schema, (dict, str, type(None))):
        wanted = schema if enabled or (enabled is None and schema) else ""
        try:
            found["schema"] = json.dumps(wanted, ensure_ascii=False) if isinstance(wanted, dict) else wanted
        except (TypeError, ValueError) as error:  # YAML and TOML have dates, YAML has bytes and sets as well
            problems.append(f"inference.output.grammar_schema cannot be JSON: {error}")
    else:
        problems.append(
            f"inference.output.grammar_schema is {type(schema).__name__}: it is a JSON Schema (a table, or its JSON "
            "text) or the path of a .json, .gbnf or .lark file"
        )


def _misplaced(section: str, key: str, name: str, known: list[str]) -> str:
    """What is wrong with a key; empty if it may stand there."""
    others = {other for names in _OTHER_NAMES.values() for other in names}
    if name not in known:
        homes = {o: s for s, names in _OTHER_NAMES.items() for o in names} | dict.fromkeys(_GRAMMAR, "output")
        if key in homes:
            return f"inference.{section}.{key}: it belongs into inference.{homes[key]}"
        here = [n for n in known if section_of(n) == section] + list(_OTHER_NAMES.get(section, ()))
        here += _GRAMMAR if section == "output" else ()
        return _unknown(f"inference.{section}.{key}", key, [*here, *known, *others, *_GRAMMAR])
    if section_of(name) != section:
        return f"inference.{section}.{key}: it belongs into inference.{section_of(name)}"
    return ""


def _unknown(where: str, key: str, known: Iterable[str], otherwise: str = "") -> str:
    told = close_match(key.replace("-", "_"), known) or otherwise
    return f"{where} is unknown. {told}".rstrip()


def placed(name: str, value: Any, folder: Path) -> Any:
    """A path that leads somewhere from the file's folder is meant from there; all else stays as it is."""
    if name == "model_dirs" and isinstance(value, list):
        return [_beside(one, folder) for one in value]
    return _beside(value, folder) if name in _PATHS else value


def _beside(value: Any, folder: Path) -> Any:
    if not isinstance(value, str) or not value or value.lstrip().startswith("{"):
        return value
    try:
        return str(folder / value) if (folder / value).exists() else value
    except (OSError, ValueError):  # no name that a file could have
        return value


def written_as(trait: TraitType[Any, Any], value: Any) -> Any:
    """What YAML reads otherwise than people mean: ``on`` and ``off`` are booleans to it, and ``1e-1`` is a text.

    Raises
    ------
    ValueError
        A number is not one, or not finite.
    """
    if isinstance(trait, Enum) and isinstance(value, bool):
        word = "on" if value else "off"
        return word if word in (trait.values or ()) else value
    if not isinstance(trait, (Int, Float)):
        return value
    number = trait.from_string(value) if isinstance(value, str) else value
    huge = isinstance(number, int) and number.bit_length() > 64
    if huge or isinstance(number, bool) or (isinstance(number, float) and not math.isfinite(number)):
        raise ValueError(f"it is {trait.info()}")
    return number
