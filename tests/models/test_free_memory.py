from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from jupyter_localllm.models import free_memory
from jupyter_localllm.models.free_memory import available_bytes, cgroup_available

GB = 10**9
V1_UNLIMITED = 9_223_372_036_854_771_712


def process(tmp_path: Path, own: str, mounts: str) -> Path:
    """A directory like /proc/self; `{root}` is where the cgroups are."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(own)
    root = str(tmp_path / "cgroup").replace(" ", "\\040")
    (proc / "mountinfo").write_text(mounts.format(root=root))
    return proc


def group(path: Path, files: Mapping[str, object]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).write_text(f"{content}\n")


V2 = "22 1 0:20 / /proc rw - proc proc rw\n30 23 0:26 / {root} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
V1 = "35 31 0:32 / {root} rw - cgroup cgroup rw,memory\n36 31 0:33 / {root}/cpu rw - cgroup cgroup rw,cpu\n"


def test_v2_limit_less_use(tmp_path: Path) -> None:
    """What a cgroup v2 leaves is its limit less its use, cached files that can be dropped not counted."""
    stat = "anon 1\ninactive_file 500000000\nactive_file 7"
    group(tmp_path / "cgroup/a", {"memory.max": 4 * GB, "memory.current": 2 * GB, "memory.stat": stat})
    assert cgroup_available(process(tmp_path, "0::/a\n", V2)) == 2.5 * GB


def test_v2_a_limit_above_counts(tmp_path: Path) -> None:
    """Of the own group and those above it, the tightest decides; 'max' is no limit, memory.high is one."""
    group(tmp_path / "cgroup/a/b/c", {"memory.max": "max", "memory.high": 3 * GB, "memory.current": 100})
    group(tmp_path / "cgroup/a/b", {"memory.max": 2 * GB, "memory.current": GB})
    group(tmp_path / "cgroup/a", {"memory.max": "max", "memory.current": 9 * GB})
    assert cgroup_available(process(tmp_path, "0::/a/b/c\n", V2)) == GB


def test_v1_limit_less_use(tmp_path: Path) -> None:
    """The memory controller of version 1 counts by other file names."""
    files = {
        "memory.limit_in_bytes": 2 * GB,
        "memory.usage_in_bytes": GB,
        "memory.stat": "inactive_file 1\ntotal_inactive_file 100",
    }
    group(tmp_path / "cgroup/docker/x", files)
    group(tmp_path / "cgroup", {"memory.limit_in_bytes": V1_UNLIMITED, "memory.usage_in_bytes": 9 * GB})
    proc = process(tmp_path, "5:cpu,cpuacct:/y\n4:memory:/docker/x\n0::/\n", V1)
    assert cgroup_available(proc) == GB + 100


def test_a_container_sees_its_group_as_the_root(tmp_path: Path) -> None:
    """Where /proc tells the host's path, and the mount holds only the container's part, the mount's root counts."""
    group(tmp_path / "cgroup", {"memory.limit_in_bytes": GB, "memory.usage_in_bytes": 100})
    mounts = V1.replace(" / {root} rw - cgroup cgroup rw,memory", " /docker/abc {root} rw - cgroup cgroup rw,memory")
    assert cgroup_available(process(tmp_path, "4:memory:/elsewhere\n", mounts)) == GB - 100
    (tmp_path / "proc/cgroup").write_text("4:memory:/docker/abc\n")
    assert cgroup_available(tmp_path / "proc") == GB - 100


def test_no_limit_no_cgroup_no_files(tmp_path: Path) -> None:
    """Without a limit, without cgroups and with damaged files there is no figure, and no error."""
    assert cgroup_available(tmp_path / "none") is None
    proc = process(tmp_path, "0::/a\n4:memory:/b\nnonsense\n", V2 + V1 + "nonsense\n")
    assert cgroup_available(proc) is None
    group(tmp_path / "cgroup/a", {"memory.max": "garbage", "memory.current": 5, "memory.stat": "x"})
    assert cgroup_available(proc) is None
    group(tmp_path / "cgroup/a", {"memory.max": 10, "memory.stat": "inactive_file garbage"})
    assert cgroup_available(proc) == 5


def test_v1_without_a_limit(tmp_path: Path) -> None:
    """Version 1 says "no limit" by a number close to 2**63, which is no figure."""
    group(tmp_path / "cgroup/a", {"memory.limit_in_bytes": V1_UNLIMITED, "memory.usage_in_bytes": GB})
    assert cgroup_available(process(tmp_path, "4:memory:/a\n", V1)) is None


def test_over_the_limit_is_zero(tmp_path: Path) -> None:
    """A group over its limit leaves nothing, not less."""
    group(tmp_path / "cgroup/a", {"memory.max": 10, "memory.current": 50})
    assert cgroup_available(process(tmp_path, "0::/a\n", V2)) == 0


def test_the_tighter_of_machine_and_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """available_bytes is what the machine has, or less under a limit."""
    free = psutil.virtual_memory().available
    monkeypatch.setattr(free_memory, "cgroup_available", lambda: 12_345)
    assert available_bytes() == 12_345
    monkeypatch.setattr(free_memory, "cgroup_available", lambda: None)
    assert available_bytes() == pytest.approx(free, rel=0.5)
    monkeypatch.setattr(free_memory, "cgroup_available", lambda: 1 << 60)
    assert available_bytes() == pytest.approx(free, rel=0.5)
