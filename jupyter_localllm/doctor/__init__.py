"""The doctor: what is installed, what the machine has, what would be contacted; each finding with what mends it.

Nothing is changed, and nobody is contacted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jupyter_localllm.doctor.build import check_build, check_one_token
from jupyter_localllm.doctor.jupyter import check_halves, check_subshells
from jupyter_localllm.doctor.machine import check_memory, check_model, check_threads
from jupyter_localllm.doctor.places import check_cache, check_network, check_settings
from jupyter_localllm.doctor.report import Finding, Level, Report
from jupyter_localllm.doctor.subject import Check, Subject
from jupyter_localllm.doctor.versions import check_packages, check_versions
from jupyter_localllm.errors import SettingsError

__all__ = ["CHECKS", "Finding", "Level", "Report", "Subject", "examine", "examine_without_settings"]

CHECKS: dict[str, Check] = {
    "versions": check_versions,
    "packages": check_packages,
    "build": check_build,
    "model": check_model,
    "one token": check_one_token,
    "threads": check_threads,
    "memory": check_memory,
    "halves": check_halves,
    "subshells": check_subshells,
    "cache": check_cache,
    "settings": check_settings,
    "network": check_network,
}
"""All checks by name, in the order in which they are told."""


_NEED_NO_SETTINGS = ("versions", "packages", "build", "memory", "halves", "subshells")


def examine_without_settings(error: SettingsError, kernel: Any = None) -> Report:
    """Look at what can be looked at where the settings are wrong."""
    subject = Subject(None, None, str, kernel)
    wrong = Finding("settings", "problem", error.message, error.hint)
    found = [finding for name in _NEED_NO_SETTINGS for finding in _guarded(name, CHECKS[name], subject)]
    return Report((wrong, *found))


def examine(subject: Subject) -> Report:
    """Look at everything.

    A check that fails itself is a finding, and the others go on.
    """
    return Report(tuple(finding for name, check in CHECKS.items() for finding in _guarded(name, check, subject)))


def _guarded(name: str, check: Check, subject: Subject) -> Iterator[Finding]:
    try:
        yield from check(subject)
    except Exception as error:  # whatever is wrong with a machine must not keep the rest from being told
        text = f"the check of {name} failed: {type(error).__name__}: {error}"
        yield Finding(name, "warning", text, "Please report this with the text above.")
