"""Processes without a network: a namespace with nothing but the loopback, and a hook that writes down every address."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Contact", "contacts", "environment", "namespaces_permitted", "program"]

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Contact:
    """What a process was about to do with a socket: the audit event, the address, and who it was."""

    event: str
    address: Any
    process: str

    @property
    def inside(self) -> bool:
        """Whether it stays in this machine: a socket in the file system, or the loopback."""
        return isinstance(self.address, str) or str(self.address[0]).startswith(("127.", "::1", "localhost"))


@functools.cache
def namespaces_permitted() -> bool:
    """Whether this machine lets us make a network namespace without asking for a password."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-rn", sys.executable, str(HERE / "loopback.py"), "true"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return tried.returncode == 0


def environment(log: Path, path: str) -> dict[str, str]:
    """For a process whose sockets are to be watched, and for all that it starts: `path` is its ``PYTHONPATH``."""
    return {"JLLM_SOCKETS": str(log), "PYTHONPATH": os.pathsep.join((str(HERE / "watch"), path))}


def program(*command: str) -> list[str]:
    """The command, in a namespace with nothing but the loopback where that is permitted."""
    if not namespaces_permitted():
        return list(command)
    return ["unshare", "-rn", sys.executable, str(HERE / "loopback.py"), *command]


def contacts(log: Path) -> Sequence[Contact]:
    """What the watched processes did."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [Contact(**json.loads(line)) for line in lines]
