"""Databases as files: one that cannot be written is read with its journal, and nothing of it changes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

import pytest

from jupyter_localllm.cache.database import read_only_uri

KILLED = """
import os, signal, sys
from pathlib import Path
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
cache = AnswerCache(Path(sys.argv[1]))
for name in ("a", "b"):
    assert cache.put(key(name), entry(key(name), f"the answer {name}"))
    cache.remember_model(name, "ab")
    if name == "a":
        cache.close()  # into the database
os.kill(os.getpid(), signal.SIGKILL)
"""

READ = """
import json, os, sys
from pathlib import Path
import jupyter_localllm.cache.readonly
from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.errors import CacheError
from tests.cache.samples import entry, key
Path("/").as_uri()  # imports something, in newer Pythons; another user may not read root's Python
if os.geteuid() == 0:  # for root nothing is read-only
    os.setuid(65534)
found = []
for path in sys.argv[1:]:
    told = []
    cache = AnswerCache(Path(path), on_notice=told.append)
    try:
        got = {name: one and one.result.text for name in ("a", "b") for one in [cache.get(key(name))]}
        found.append({**got, "models": cache.models(), "read_only": cache.stats().read_only, "told": told})
    except CacheError as error:
        found.append({"error": str(error)})
    cache.close()
print(json.dumps(found))
"""


@pytest.fixture
def copied(child: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Makes copies by hand of what a killed kernel left, without the journals' indexes."""
    killed = child(KILLED, tmp_path / "killed")
    assert killed.wait(60) == -9
    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to other users
        Path(name).chmod(0o755)

        def copy() -> Path:
            ignore = shutil.ignore_patterns("*-shm", "lock")
            return Path(shutil.copytree(tmp_path / "killed", Path(name) / str(len(os.listdir(name))), ignore=ignore))

        yield copy
        for path in Path(name).rglob("*/"):
            if path.is_dir():
                path.chmod(0o700)


def given_away(cache: Path, mode: int) -> dict[str, tuple[int, bytes]]:
    """Make a cache one that another user may read only, unless there is no other; the files that it has."""
    for path in (*cache.rglob("*"), cache):
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        path.chmod(0o555 if path.is_dir() else mode)
    return files(cache)


def files(cache: Path) -> dict[str, tuple[int, bytes]]:
    """All files of a cache, with their times."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in cache.rglob("*") if path.is_file()}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o444, 0o600], ids=oct)
def test_half_a_journal(copied: Callable[[], Path], child: Callable[..., subprocess.Popen[str]], mode: int) -> None:
    """Answers that only the journal of a killed kernel holds are replayed where its index cannot be made."""
    cache = copied()
    before = given_away(cache, mode)
    assert sum(name.endswith("cache.db-wal") for name in before) == 2
    (found,) = json.loads(child(READ, cache).communicate(timeout=60)[0])
    assert found == {
        "a": "the answer a",
        "b": "the answer b",
        "models": {"a": "ab", "b": "ab"},
        "read_only": True,
        "told": [],
    }
    assert files(cache) == before


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_damaged_journal(copied: Callable[[], Path], child: Callable[..., subprocess.Popen[str]]) -> None:
    """A journal that is cut off or changed anywhere costs what stood in it at most; no changed answer, no changed file.

    SQLite takes a journal up to its first damage, as where it can be written.
    """
    chance = random.Random(8)
    caches = []
    for number in range(24):
        caches.append(copied())
        journal = caches[-1] / "answers" / "cache.db-wal"
        content = bytearray(journal.read_bytes())
        place = chance.randrange(len(content)) if number else 0
        if number % 2:
            content[place] ^= 1 << chance.randrange(8)
        else:
            del content[place:]
        journal.write_bytes(content)
    before = [given_away(cache, 0o600) for cache in caches]
    founds = json.loads(child(READ, *caches).communicate(timeout=60)[0])
    for found in founds:
        assert (found["a"], found["told"]) == ("the answer a", [])
        assert found["b"] in (None, "the answer b")
    assert founds[0]["b"] is None  # an empty one
    assert [files(cache) for cache in caches] == before


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_journal_that_others_may_change(
    copied: Callable[[], Path], child: Callable[..., subprocess.Popen[str]]
) -> None:
    """It is not read: somebody may have planted answers in it."""
    cache = copied()
    given_away(cache, 0o600)
    (cache / "answers" / "cache.db-wal").chmod(0o666)
    (found,) = json.loads(child(READ, cache).communicate(timeout=60)[0])
    assert found["b"] is None
    assert "others may write" in found["told"][0]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("//server/share/a b/cache.db", "file:////server/share/a%20b/cache.db?mode=ro&immutable=1"),
        ("C:/a/cache.db", "file:///C:/a/cache.db?mode=ro&immutable=1"),
    ],
)
@pytest.mark.filterwarnings(
    "ignore:pathlib.PurePath.as_uri:DeprecationWarning"
)  # 3.14; the Path of Windows has its own
def test_addresses_on_windows(path: str, uri: str) -> None:
    """SQLite takes no host in an address; a network share is a path with two more slashes."""
    assert read_only_uri(PureWindowsPath(path), "immutable=1") == uri  # type: ignore[arg-type]
