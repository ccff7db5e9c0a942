"""How much memory this process may still take: the machine's, or less where a container or a batch system limits it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["available_bytes", "cgroup_available"]

_UNLIMITED = 1 << 60  # v1 writes the largest multiple of the page size for "no limit"


def available_bytes() -> int:
    """Measure the memory that this process may still take, in bytes.

    It is what the system calls available (free, and cached files that can be dropped), or less under the memory limit
    of a cgroup: Docker, Kubernetes, Slurm and JupyterHub set those, and going over one kills the kernel.

    Returns
    -------
    int
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    limited = cgroup_available()
    return max(0, free if limited is None else min(free, limited))


def cgroup_available(proc: Path = Path("/proc/self")) -> int | None:
    """Measure what the cgroups of this process leave to it, in bytes.

    A limit of any group above the process's own counts too. Cached files that the group no longer uses are not counted
    as used, as the kernel drops them first (what Kubernetes calls the working set).

    Parameters
    ----------
    proc : Path
        The process's directory; another one for tests.

    Returns
    -------
    int or None
        ``None`` without a limit, or without cgroups (macOS, Windows).

    Notes
    -----
    Sources: cgroup-v2.rst, cgroup-v1/memory.rst and cgroups(7).
    """
    try:
        own = (proc / "cgroup").read_text(encoding="utf-8", errors="replace")
        mounts = (proc / "mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    left = [amount for group in _groups(own, mounts) if (amount := _left(group)) is not None]
    return min(left, default=None)


def _groups(own: str, mounts: str) -> Iterator[Path]:
    """Directories of the memory controller that this process is under, own group first, then those above it."""
    paths = dict(_memberships(own))
    for root, mount, kind, options in _mounts(mounts):
        key = "v2" if kind == "cgroup2" else "memory" if kind == "cgroup" and "memory" in options else None
        if key is None or key not in paths:
            continue
        try:
            inner = PurePosixPath(paths[key]).relative_to(root)
        except ValueError:  # a container that sees its own group as the root of the mount
            inner = PurePosixPath()
        here = Path(mount) / inner
        yield from (here, *list(here.parents)[: len(inner.parts)])


def _memberships(own: str) -> Iterator[tuple[str, str]]:
    """Yield the process's group by hierarchy, from lines as ``4:memory:/a/b`` (v1) and ``0::/a/b`` (v2)."""
    for line in own.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield "v2", path
        elif "memory" in controllers.split(","):
            yield "memory", path


def _mounts(mounts: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Root within the file system, mount point, kind and options of each mount (proc_pid_mountinfo(5))."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) >= 5 and len(right) >= 3:
            yield _unescape(left[3]), _unescape(left[4]), right[0], right[2].split(",")


def _unescape(field: str) -> str:
    """Undo the octal escapes of spaces and the like."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _left(group: Path) -> int | None:
    """Measure what one group leaves; None if it has no limit."""
    limits = [_number(group / name) for name in ("memory.max", "memory.high", "memory.limit_in_bytes")]
    limit = min((number for number in limits if number is not None and number < _UNLIMITED), default=None)
    used = _number(group / "memory.current")
    if used is None:
        used = _number(group / "memory.usage_in_bytes")
    if limit is None or used is None:
        return None
    return max(0, limit - max(0, used - _droppable(group)))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # absent, or "max"
        return None


def _droppable(group: Path) -> int:
    """Count the cached file pages that the group has not used lately."""
    try:
        lines = (group / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    try:
        return int(found.get("total_inactive_file") or found.get("inactive_file") or 0)
    except ValueError:
        return 0
