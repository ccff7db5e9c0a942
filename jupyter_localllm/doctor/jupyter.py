"""The two halves of the extension, in the kernel and in the server, and subshells."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jupyter_localllm._version import __version__
from jupyter_localllm.doctor.report import Finding
from jupyter_localllm.doctor.subject import Subject, pip
from jupyter_localllm.pipeline import version_of

__all__ = ["check_halves", "check_subshells", "enabled", "prefix_of", "server_python"]

_NAME = "jupyter-localllm"
_SERVERS = {
    *("jupyter-lab", "jupyter-notebook", "jupyter-server", "jupyter-labhub", "jupyterhub-singleuser"),
    *("jupyterlab", "notebook", "jupyter_server"),  # python -m
}


def check_halves(subject: Subject) -> Iterator[Finding]:
    """Whether JupyterLab's half is where the server looks for it, of the same version, and not turned off."""
    python = server_python() if subject.kernel is not None else None
    prefix = Path(sys.prefix) if python is None else prefix_of(python)
    elsewhere = not _same(prefix, Path(sys.prefix))
    folders = _labextensions(prefix)
    if python is not None:
        yield Finding("jupyter", "ok", f"the server runs in {prefix}" + (", another environment" if elsewhere else ""))
    install = pip("jupyter_localllm", python=str(python) if elsewhere else sys.executable)
    if not elsewhere and not version_of("jupyterlab") and not version_of("notebook"):
        yield Finding(
            "jupyter",
            "note",
            "neither JupyterLab nor Notebook is in this environment: if your server runs in another one, it needs "
            "jupyter_localllm too; without its half there is no sidebar, and answers are HTML",
        )
        return
    found = next((version for folder in folders if (version := _version_in(folder)) is not None), None)
    if found is None:
        text = "the server half (the JupyterLab extension) is not installed: no sidebar, and answers are HTML"
        yield Finding("jupyter", "warning", text, install)
    elif found != __version__:
        text = f"the halves differ: {__version__} in the kernel, {found} in the server"
        yield Finding("jupyter", "warning", text, f"{install} --upgrade")
    else:
        yield Finding("jupyter", "ok", f"kernel half and server half are there, both {__version__}")
    if found is not None and not enabled(_config_folders(prefix)):
        text = "the JupyterLab extension is turned off in the server's settings"
        yield Finding("jupyter", "warning", text, f"jupyter labextension enable {_NAME}")


def check_subshells(subject: Subject) -> Iterator[Finding]:
    """Whether the sidebar can be answered while a cell runs."""
    if subject.kernel is not None:
        has = "kernel subshells" in (getattr(subject.kernel, "kernel_info", {}).get("supported_features") or ())
        version = version_of("ipykernel")
    else:
        version = version_of("ipykernel")
        has = int((version.split(".") or ["0"])[0] or 0) >= 7
    if has:
        yield Finding("subshells", "ok", f"ipykernel {version} has them: panels are answered while a cell runs")
    else:
        text = f"ipykernel {version or '(none)'} has no subshells: panels are answered between cells only"
        yield Finding("subshells", "warning", text, pip("ipykernel>=7"))


def server_python() -> Path | None:
    """The interpreter of the Jupyter server that started this kernel; None if it was something else.

    A server's script runs under the interpreter of its environment, whose path is the first word of its command.
    """
    import psutil

    try:
        for process in psutil.Process(os.getpid()).parents()[:3]:
            words = process.cmdline()
            names = {Path(word).name.removesuffix(".exe") for word in words[:3]}
            if names & _SERVERS and Path(words[0]).is_absolute():
                return Path(words[0])
    except (psutil.Error, OSError, IndexError):
        return None
    return None


def prefix_of(python: Path) -> Path:
    """The environment of an interpreter."""
    return python.parent.parent if python.parent.name.lower() in ("bin", "scripts") else python.parent


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def enabled(folders: Iterable[Path]) -> bool:
    """Whether no ``page_config.json`` turns the extension off.

    Source: JupyterLab's documentation, "Managing extensions".
    """
    for folder in folders:
        try:
            told = json.loads((folder / "labconfig" / "page_config.json").read_text(encoding="utf-8"))
            off: Any = told.get("disabledExtensions", {})
        except (OSError, ValueError, AttributeError):
            continue
        off = dict.fromkeys(off, True) if isinstance(off, list) else off
        if isinstance(off, dict) and any(
            value is True and (name == _NAME or str(name).startswith(f"{_NAME}:")) for name, value in off.items()
        ):
            return False
    return True


def _version_in(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / _NAME / "package.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _labextensions(prefix: Path) -> list[Path]:
    """Where a server of an environment looks for extensions."""
    from jupyter_core.paths import jupyter_path  # ipykernel brings it

    own = [Path(path) for path in jupyter_path("labextensions")]
    return [prefix / "share" / "jupyter" / "labextensions", *own]


def _config_folders(prefix: Path) -> list[Path]:
    from jupyter_core.paths import jupyter_config_path

    return [prefix / "etc" / "jupyter", *(Path(path) for path in jupyter_config_path())]
