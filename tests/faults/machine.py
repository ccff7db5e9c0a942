"""Disks that are full, read-only or silent, for one process alone: no other sees them, and nothing has to be undone.

Linux lets an ordinary user mount file systems in a namespace of his own, unless the machine forbids it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.kernel_client import private_environment

ROOT = Path(__file__).resolve().parents[2]

HANGING = """
import ctypes, os, threading
def let_hang(path, seconds=25.0):
    # A mount whose other side never says a word, as a file server that is gone: whoever looks at it waits, and no
    # signal but SIGKILL wakes him. The end after some time is for a test that fails.
    said = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={said},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"silent", str(path).encode(), b"fuse", 6, options):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ending = threading.Timer(seconds, os.close, (said,))
    ending.daemon = True
    ending.start()
"""
"""Python for a process in a namespace of its own: ``let_hang(path)``."""


@cache
def refused(*command: str) -> str:
    """Why a command cannot be run here; ``""`` if it can."""
    if sys.platform != "linux":
        return "Linux only"
    if shutil.which(command[0]) is None:
        return f"{command[0]} is not here"
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{shlex.join(command)}: {done.stderr.strip() or done.returncode}"


def needs_mounts() -> pytest.MarkDecorator:
    """Leave tests out where this machine lets nobody mount anything."""
    why = refused("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/tmp")
    return pytest.mark.skipif(bool(why), reason=f"no mounts of one's own here ({why})")


def needs_silence() -> pytest.MarkDecorator:
    """Leave tests out where there is no FUSE, so that no mount can be made to hang."""
    why = refused("unshare", "-rm", sys.executable, "-c", f"{HANGING}\nlet_hang('/tmp')")
    return pytest.mark.skipif(bool(why), reason=f"no mount can be made to hang here ({why.splitlines()[-1:]})")


def mounted(*commands: str) -> tuple[str, ...]:
    """What to put before a command so that it runs after these shell commands, in a namespace of its own."""
    script = " && ".join((*commands, 'exec "$@"'))
    return ("unshare", "-rm", "sh", "-c", script, "sh")


def small_disk(path: Path, size: str) -> str:
    """The shell command that makes a directory a disk of so many bytes."""
    return f"mount -t tmpfs -o size={size},mode=700 tmpfs {shlex.quote(str(path))}"


def read_only(path: Path) -> str:
    """The shell command that makes a directory one that nobody can write to, not even root."""
    place = shlex.quote(str(path))
    return f"mount --bind {place} {place} && mount -o remount,ro,bind {place}"


def told_by(program: str, *arguments: object, home: Path, prefix: tuple[str, ...] = (), timeout: float = 120.0) -> Any:
    """Run a Python program and read the JSON of its last line.

    Raises
    ------
    AssertionError
        It ended otherwise, with all that it said.
    """
    done = subprocess.run(
        [*prefix, sys.executable, "-c", program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**private_environment(home), "PYTHONPATH": str(ROOT), "JUPYTER_LOCALLLM_N_THREADS": "1"},
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _memory_groups() -> Path | None:
    """The directory of this process's own group of the memory controller; None if it has none."""
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        number, controllers, path = line.split(":", 2)
        root = Path("/sys/fs/cgroup/memory" if "memory" in controllers.split(",") else "/sys/fs/cgroup")
        if "memory" in controllers.split(",") or (number == "0" and (root / "cgroup.controllers").exists()):
            return root / path.lstrip("/")
    return None


@contextmanager
def memory_group(limit: int) -> Iterator[tuple[str, ...]]:
    """Make a control group with so many bytes of memory; gives what to put before a command that is to run in it.

    Leaves the test out where this user may make none.
    """
    try:
        own = _memory_groups()
        assert own is not None
        group = own / f"localllm-{os.getpid()}"
        group.mkdir()
    except (OSError, AssertionError) as error:
        pytest.skip(f"no control group of one's own here ({error})")
    try:
        names = [name for name in ("memory.max", "memory.limit_in_bytes") if (group / name).exists()]
        if not names:
            pytest.skip("the memory controller is not given to this group")
        (group / names[0]).write_text(str(limit), encoding="ascii")
        yield ("sh", "-c", f'echo $$ > {shlex.quote(str(group / "cgroup.procs"))} && exec "$@"', "sh")
    finally:
        deadline = time.monotonic() + 30
        while group.exists() and time.monotonic() < deadline:
            with suppress(OSError):  # until the last process is gone
                group.rmdir()
            time.sleep(0.05)
