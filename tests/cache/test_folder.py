from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache.folder import locked, prepare
from jupyter_localllm.cache.trouble import Busy
from jupyter_localllm.errors import CacheError

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_a_new_directory_is_private(tmp_path: Path, mask: int) -> None:
    """Only its owner can read the cache, whatever the umask."""
    before = os.umask(mask)
    try:
        inner = prepare(tmp_path / "cache", "answers")
    finally:
        os.umask(before)
    assert mode(tmp_path / "cache") == mode(inner) == 0o700


@posix
def test_a_wide_one_of_ours_is_tightened(tmp_path: Path) -> None:
    """An empty directory that a person made for us, and one that we used before, become private."""
    directory = tmp_path / "cache"
    directory.mkdir(mode=0o755)
    prepare(directory, "answers")
    assert mode(directory) == 0o700
    directory.chmod(0o777)
    (directory / "answers").chmod(0o755)
    prepare(directory, "answers")
    assert mode(directory) == mode(directory / "answers") == 0o700


@posix
def test_a_project_keeps_its_mode(tmp_path: Path) -> None:
    """A directory that holds other things is not ours to close; what we make in it is private."""
    (tmp_path / "notebook.ipynb").write_text("{}")
    tmp_path.chmod(0o755)
    for _ in range(2):
        inner = prepare(tmp_path, "answers")
    assert mode(tmp_path) == 0o755
    assert mode(inner) == 0o700
    assert not (tmp_path / ".gitignore").exists()


def test_ours_is_marked_as_a_cache(tmp_path: Path) -> None:
    """Backups skip it, and it is not committed by accident."""
    prepare(tmp_path / "a" / "b", "answers")
    tag = (tmp_path / "a" / "b" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert (tmp_path / "a" / "b" / ".gitignore").read_text() == "*\n"


@posix
@pytest.mark.parametrize("whose", ["cache", "cache/answers"])
def test_somebody_elses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    """Entries of another user are not taken for answers; the error says whose it is."""
    prepare(tmp_path / "cache", "answers")
    foreign = (tmp_path / whose).stat().st_ino
    real = Path.stat

    def fake(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        if found.st_ino != foreign:
            return found
        return os.stat_result([*found[:4], os.geteuid() + 1, *found[5:]])

    monkeypatch.setattr(Path, "stat", fake)
    with pytest.raises(CacheError, match=f"belongs to user {os.geteuid() + 1}"):
        prepare(tmp_path / "cache", "answers")


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a directory away")
def test_somebody_elses_is_refused_for_real(tmp_path: Path) -> None:
    """The same with a directory that really belongs to another user."""
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 65534, 65534)
    with pytest.raises(CacheError, match="belongs to user 65534") as refused:
        prepare(tmp_path / "cache", "answers")
    assert "--cache off" in refused.value.hint
    assert not any((tmp_path / "cache").iterdir())


@posix
def test_a_link_inside_is_refused(tmp_path: Path) -> None:
    """A room that is a link leads to a place that was not asked for."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "answers").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CacheError, match="link"):
        prepare(tmp_path / "cache", "answers")


@posix
def test_the_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    """A person may keep the cache on a larger disk."""
    (tmp_path / "large disk").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "large disk")
    prepare(tmp_path / "cache", "answers")
    assert (tmp_path / "large disk" / "answers").is_dir()


def test_the_lock_lets_one_in_at_a_time(tmp_path: Path) -> None:
    """Two threads are never inside together, and both get in."""
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(5):
            with locked(tmp_path / "lock", 10):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == (1, 0)


HOLD = """
import sys, time
from pathlib import Path
from jupyter_localllm.cache.folder import locked
with locked(Path(sys.argv[1]), 5):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path, child: Callable[..., subprocess.Popen[str]]) -> None:
    """Who waits for a live process gives up in time; who waits for a dead one gets in."""
    holder = child(HOLD, tmp_path / "lock")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy), locked(tmp_path / "lock", 0.05):
        pass
    holder.kill()
    holder.wait()
    with locked(tmp_path / "lock", 5):
        pass
