"""What a killed kernel leaves is a database and its journal; on a disk that takes nothing, both are read."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.machine import ROOT, mounted, needs_mounts, read_only, told_by
from tests.faults.test_disks import BEGIN, LOOKED, contents
from tests.kernel_client import private_environment

pytestmark = needs_mounts()

EARLIER = """
handle("Paris.").generate("earlier")
runtime.reset()
print("{}")
"""

KILLED = """
handle("Paris.").generate("before")
print("kept", flush=True)
sys.stdin.read()
"""

# Argument 2: the same directory, where it can be written.
MEANWHILE = """
import subprocess
writer = '''
import sys
from pathlib import Path
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.engine.scripted import ScriptedEngine
llm = jl.LocalLLM.from_engine(ScriptedEngine("Paris."), cache_dir=str(Path(sys.argv[1]) / "cache"), max_tokens=2_000)
for question in ("meanwhile", "later"):
    llm.generate(question)
    print("kept", flush=True)
    sys.stdin.readline()
runtime.reset()
'''
llm = handle("another")
def cached(*questions):
    found = []
    for question in questions:
        try:
            found.append(llm.generate(question, cache="require").text)
        except LocalLLMError as error:
            found.append(type(error).__name__)
    return found
other = subprocess.Popen([sys.executable, "-c", writer, sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def goes_on():
    return other.stdout.readline() == b"kept\\n"
found = [cached("earlier", "before", "meanwhile")]
assert goes_on()
found.append(cached("earlier", "before", "meanwhile", "later"))
other.stdin.write(b"\\n")
other.stdin.flush()
assert goes_on()
found.append(cached("later"))
other.stdin.close()
assert other.wait() == 0
found.append(cached("earlier", "before", "meanwhile", "later"))
print(json.dumps({"found": found, "told": told}))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a cache, "earlier" in its database, and "before" in the journal of a kernel that was killed."""
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    told_by(BEGIN + EARLIER, place, home=tmp_path / "home")
    kernel = subprocess.Popen(
        [sys.executable, "-c", BEGIN + KILLED, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**private_environment(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
    )
    with kernel:
        assert kernel.stdout is not None
        assert kernel.stdout.readline() == b"kept\n"
        kernel.kill()
    answers = place / "cache" / "answers"
    assert (answers / "cache.db-wal").stat().st_size > 0
    with closing(sqlite3.connect(f"{(answers / 'cache.db').as_uri()}?immutable=1", uri=True)) as alone:
        assert alone.execute("SELECT COUNT(*) FROM Cache").fetchall() == [(1,)]
    return place


def without_index(place: Path) -> None:
    for index in place.rglob("cache.db-shm"):
        index.unlink()


@pytest.mark.parametrize("left", ["both", "wal"])
def test_what_a_killed_kernel_left(place: Path, tmp_path: Path, campaign: Campaign, left: str) -> None:
    """An answer that is only in the journal is replayed, with and without the journal's index; nothing changes."""
    next(campaign(1))
    if left == "wal":
        without_index(place)
    before = contents(place)
    found = told_by(BEGIN + LOOKED, place, home=tmp_path / "home", prefix=mounted(read_only(place)))
    assert found["replayed"] == [True, "Paris."]
    assert found["texts"] == ["another"] * 3
    (told,) = found["told_later"]
    assert "read-only" in told
    assert re.search(r"answers +2\n", found["table"])
    assert [text for _, text in found["doctor"] if "damaged" in text] == []
    assert contents(place) == before
    campaign.committed(True)


def test_a_copy_by_hand(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Somebody copies the database and the journal, and nothing else, to a disk that is then read-only."""
    next(campaign(1))
    answers = tmp_path / "copy" / "cache" / "answers"
    answers.mkdir(parents=True, mode=0o700)
    for name in ("cache.db", "cache.db-wal"):
        shutil.copyfile(place / "cache" / "answers" / name, answers / name)
        (answers / name).chmod(0o644)
    copy = tmp_path / "copy"
    before = contents(copy)
    found = told_by(BEGIN + LOOKED, copy, home=tmp_path / "home", prefix=mounted(read_only(copy)))
    assert found["replayed"] == [True, "Paris."]
    assert contents(copy) == before
    campaign.committed(True)


def test_somebody_goes_on_elsewhere(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """What another kernel writes to it, where it can be written, is seen while it is open there and after it."""
    next(campaign(1))
    without_index(place)
    view = tmp_path / "view"
    view.mkdir()
    disk = mounted(f"mount --bind {place} {view}", f"mount -o remount,ro,bind {view}")
    found = told_by(BEGIN + MEANWHILE, view, place, home=tmp_path / "home", prefix=disk)
    first, during, later, after = found["found"]
    assert first[:2] == ["Paris."] * 2
    assert during == ["Paris."] * 3 + ["CacheMiss"]
    assert later == ["Paris."]
    assert after == ["Paris."] * 4
    assert found["told"] == []
    campaign.committed(*[text == "Paris." for text in after])
