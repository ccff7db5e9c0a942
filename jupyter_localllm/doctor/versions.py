"""Versions, and the packages that are missing."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Iterator

from jupyter_localllm._version import __version__
from jupyter_localllm.doctor.report import Finding
from jupyter_localllm.doctor.subject import Subject, pip
from jupyter_localllm.pipeline import version_of

__all__ = ["check_packages", "check_versions"]

_TOLD = ("llama-cpp-python", "ipykernel", "IPython", "jupyterlab", "notebook", "llguidance")
_OURS = "jupyter_localllm"
_HIDDEN = ("test", "demo")  # extras for those who work on this package


def check_versions(_subject: Subject) -> Iterator[Finding]:
    """Python, the system, and the packages that matter most."""
    told = [f"{_OURS} {__version__}", f"Python {platform.python_version()}", platform.platform(terse=True)]
    told += [f"{name} {version}" for name in _TOLD if (version := version_of(name))]
    yield Finding("versions", "ok", ", ".join(told))


def check_packages(_subject: Subject) -> Iterator[Finding]:
    """What this package asks for, and which extras are there."""
    try:
        requirements = importlib.metadata.requires(_OURS) or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("packages", "note", f"{_OURS} runs from a folder and is not installed: its needs are not known")
        return
    wrong, extras = _judged(requirements)
    if wrong:
        yield Finding("packages", "problem", f"wrong or missing: {'; '.join(wrong.values())}", pip(*wrong))
    else:
        yield Finding("packages", "ok", "all packages that are needed are there, in versions that fit")
    missing = sorted(extra for extra, lacks in extras.items() if lacks)
    if missing:
        told = [f"{extra} ({', '.join(sorted(extras[extra]))})" for extra in missing]
        yield Finding("packages", "note", f"extras that are not installed: {', '.join(told)}", pip(f"{_OURS}[EXTRA]"))


def _judged(lines: list[str]) -> tuple[dict[str, str], dict[str, set[str]]]:
    """What does not fit, by requirement; and for each extra what it lacks."""
    from packaging.requirements import InvalidRequirement, Requirement  # ipykernel brings it

    wrong: dict[str, str] = {}
    extras: dict[str, set[str]] = {}
    for line in lines:
        try:
            needed = Requirement(line)
        except InvalidRequirement:
            continue
        extra = (re.findall(r"extra == ['\"]([\w-]+)['\"]", str(needed.marker)) or [""])[0]
        if needed.marker is not None and not needed.marker.evaluate({"extra": extra}):
            continue  # of another Python or system
        version = version_of(needed.name)
        fits = bool(version) and needed.specifier.contains(version, prereleases=True)
        if not extra and not fits:
            short = f"{needed.name}{needed.specifier}"
            wrong[short] = f"{short} (here is {version})" if version else f"{short} (it is not here)"
        if extra and extra not in _HIDDEN and needed.name != _OURS:
            lacks = extras.setdefault(extra, set())
            lacks |= set() if fits else {needed.name}
    return wrong, extras
