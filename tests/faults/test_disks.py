"""Disks that are full, read-only, another's, or on another file system: real ones, mounted for one process alone."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.machine import mounted, needs_mounts, read_only, small_disk, told_by
from tests.kernel_client import Kernel

pytestmark = needs_mounts()

BEGIN = """
import json, os, sys
from pathlib import Path
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import LocalLLMError
place, told = Path(sys.argv[1]), []
runtime.current().on_notice = told.append
def fill(path):
    # to the last byte
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
def handle(text="word " * 1_000):
    return jl.LocalLLM.from_engine(ScriptedEngine(lambda job: text), cache_dir=str(place / "cache"), max_tokens=2_000)
"""

FULL_CACHE = """
llm = handle()
assert llm.generate("first").text
fill(place / "others")
texts = [llm.generate(str(i)).text for i in range(5)]
mapped = llm.map("{{ value }}", [f"row {i}" for i in range(20)])
first = llm.generate("first", cache="require").cached
(place / "others").unlink()
again = llm.generate("with room again").text and llm.generate("with room again", cache="require").cached
llm.answers.close()
print(json.dumps({"answered": len(set(texts)) == 1 and all(mapped), "first": first, "again": again, "told": told}))
"""

FULL_FROM_THE_BEGINNING = """
fill(place / "others")
llm = handle()
print(json.dumps({"texts": [len(llm.generate(str(i)).text) for i in range(3)], "told": told}))
"""

FULL_KEEPING = """
from jupyter_localllm.chat.kept import Kept
from jupyter_localllm.conversation import Conversation, Turn
from jupyter_localllm.engine.llama import StateKey, StateStore
kept = Kept(lambda: place / "cache")
def save(text):
    kept.save(Conversation("notes", None, (Turn(text, text),)), anew=True)
save("old")
written = Conversation("written", None, (Turn("old", "old"),))
written.save(place / "written.json")
before = [path.read_bytes() for path in place.rglob("*.json")]
fill(place / "others")
try:
    save("new " * 5_000)
    refused = ""
except LocalLLMError as error:
    refused = error.message + error.hint
try:
    Conversation("written", None, (Turn("new " * 5_000, ""),)).save(place / "written.json")
except LocalLLMError as error:
    refused += error.message
after = [path.read_bytes() for path in place.rglob("*.json")]
store = StateStore(StateKey("a", "b", "c"), place / "states", ram_bytes=1 << 20, disk_bytes=1 << 20)
store.put([1, 2, 3], bytes(100_000), keep=True)
print(json.dumps({"refused": refused, "same": before == after != [], "trouble": store.trouble,
                  "in_memory": store.longest([1, 2, 3], more_than=0, exact_ends=True) is not None,
                  "left": [path.name for path in (place / "states").glob("*")]}))
"""

PULL = """
from jupyter_localllm.models.pull import Patience, pull
from tests.models.pull.server import Fault, serving
content = Path(sys.argv[2]).read_bytes()
def fetch(tell):
    patience = Patience(tries=2, pause_s=0.0, silence_s=10.0)
    return pull(hub.url + "/m.gguf", place / "models", {}, by_huggingface_hub=False, patience=patience, tell=tell)
with serving() as hub:
    hub.plain["/m.gguf"] = content
    hub.faults = [Fault(after=100_000), Fault(status=500)]  # a part of it is there
    errors = []
    for tell in (lambda status: None, lambda status: fill(place / "others")):  # and the disk fills up when it goes on
        try:
            fetch(tell)
        except LocalLLMError as error:
            errors.append([type(error).__name__, error.message, error.hint])
    whole = [str(path) for path in (place / "models").rglob("*.gguf")]
    (place / "others").unlink()
    got = fetch(lambda status: None)
    print(json.dumps({"errors": errors, "whole": whole, "same": got.path.read_bytes() == content}))
"""

ASKED = """
llm = handle("Paris.")
texts = [llm.generate(str(i)).text for i in range(3)]
def cached():
    try:
        return llm.generate("before", cache="require").cached
    except LocalLLMError as error:
        return type(error).__name__
print(json.dumps({"texts": texts, "before": cached(), "told": told}))
"""


LOOKED = """
import jupyter_localllm.doctor.places as places
from jupyter_localllm.doctor.subject import Subject
from jupyter_localllm.magics import commands
from types import SimpleNamespace
llm = handle("another")
result = llm.generate("before", cache="require")
found = {"replayed": [result.cached, result.text], "told": list(told)}
found["texts"] = [llm.generate(f"new {i}").text for i in range(3)]
try:
    llm.generate("new 1", cache="require")
except LocalLLMError as error:
    found["missed"] = type(error).__name__
found["told_later"] = told
found["table"] = str(commands.cache(None, llm, SimpleNamespace(action="", value=None, options={})))
found["doctor"] = [[f.level, f.text] for f in places.check_cache(Subject(llm, llm.answers, str))]
try:
    llm.answers.clear()
except LocalLLMError as error:
    found["cleared"] = error.message
print(json.dumps(found))
"""

BEFORE = """
handle("Paris.").generate("before")
runtime.reset()
print("{}")
"""

LINKED = """
llm = jl.LocalLLM(model=str(place / "linked.gguf"), cache_dir=str(place / "link"), max_tokens=4, calibrate=False)
first = llm.generate("Hello").text
llm.answers.close()
print(json.dumps({"same": llm.generate("Hello", cache="require").text == first, "told": told}))
"""

ANOTHERS = """
try:
    handle("Paris.").generate("Hello")
except LocalLLMError as error:
    print(json.dumps([type(error).__name__, error.message, error.hint]))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory where something is mounted."""
    (tmp_path / "place").mkdir(mode=0o700)
    return tmp_path / "place"


def test_a_cache_on_a_full_disk(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Everything is answered, it is told once, what was kept is read; with room again, answers are kept again."""
    next(campaign(1))
    disk = mounted(small_disk(place, "400k"))
    found = told_by(BEGIN + FULL_CACHE, place, home=tmp_path / "home", prefix=disk)
    assert found["answered"]
    campaign.committed(found["first"], found["again"])
    assert [text for text in found["told"] if "full" not in text] == []
    assert 1 <= len(found["told"]) <= 2  # the answers, and the memo beside them


def test_a_disk_that_is_full_from_the_beginning(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Not even an empty database finds room, and cells are answered."""
    next(campaign(1))
    disk = mounted(small_disk(place, "16k"))
    found = told_by(BEGIN + FULL_FROM_THE_BEGINNING, place, home=tmp_path / "home", prefix=disk)
    assert found["texts"] == [5_000] * 3
    assert 1 <= len(found["told"]) <= 2


def test_what_is_kept_beside_the_answers(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """A conversation that finds no room leaves the file that is there as it was; a prefix state leaves no part."""
    next(campaign(1))
    found = told_by(BEGIN + FULL_KEEPING, place, home=tmp_path / "home", prefix=mounted(small_disk(place, "64k")))
    assert "No space left" in found["refused"]
    assert "disk full" in found["refused"]
    campaign.committed(found["same"], found["in_memory"])
    assert "No space left" in found["trouble"]
    assert found["left"] == []


def test_a_disk_that_fills_up_in_a_pull(place: Path, tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """It says that there is no room, nothing is called a model, and with room again it goes on where it stopped."""
    next(campaign(1))
    disk = mounted(small_disk(place, "70m"))  # 64 MB are wanted free beside the file
    found = told_by(BEGIN + PULL, place, tiny, home=tmp_path / "home", prefix=disk)
    kind, message, hint = found["errors"][-1]
    assert (kind, len(found["errors"])) == ("PullError", 2)
    assert "no room left" in message
    assert "are kept" in message
    assert "goes on where it stopped" in hint
    assert found["whole"] == []
    campaign.committed(found["same"])


def test_a_read_only_disk(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Read-only for everybody, root too: cells are answered without the cache, and it is told once."""
    next(campaign(1))
    disk = mounted(read_only(place))
    found = told_by(BEGIN + ASKED, place, home=tmp_path / "home", prefix=disk)
    assert found["texts"] == ["Paris."] * 3
    assert 1 <= len(found["told"]) <= 2
    assert all("Read-only file system" in text for text in found["told"])


def contents(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that there is, with modes and times."""
    return {
        str(path): (path.stat().st_mode, path.stat().st_mtime_ns, b"" if path.is_dir() else path.read_bytes())
        for path in sorted(place.rglob("*"))
    }


def test_a_disk_that_became_read_only(place: Path, tmp_path: Path, campaign: Campaign) -> None:
    """What is kept on it is replayed, `require` too; nothing changes on it; once it is told that nothing is kept."""
    next(campaign(1))
    told_by(BEGIN + BEFORE, place, home=tmp_path / "home")
    before = contents(place)
    found = told_by(BEGIN + LOOKED, place, home=tmp_path / "home", prefix=mounted(read_only(place)))
    assert found["replayed"] == [True, "Paris."]
    assert found["told"] == []  # a replay loses nothing
    assert found["texts"] == ["another"] * 3
    assert found["missed"] == "CacheMiss"
    (told,) = found["told_later"]
    assert "read-only" in told
    assert "new answers are not kept" in told
    assert "read-only" in found["table"]
    assert [level for level, text in found["doctor"] if "read-only" in text] == ["warning"]
    assert "read-only" in found["cleared"]
    assert contents(place) == before
    assert told_by(BEGIN + ASKED, place, home=tmp_path / "home")["before"] is True
    campaign.committed(True)


@pytest.mark.parametrize("how", ["damaged", "others may write", "for all to read"])
def test_what_is_wrong_on_a_read_only_disk(place: Path, tmp_path: Path, campaign: Campaign, how: str) -> None:
    """A damaged database is left where it is, and one that others can change is not read; who may read is no matter."""
    next(campaign(1))
    told_by(BEGIN + BEFORE, place, home=tmp_path / "home")
    answers = place / "cache" / "answers"
    if how == "damaged":
        (answers / "cache.db").write_bytes(b"garbage " * 2_000)
    else:
        answers.chmod(0o777 if how == "others may write" else 0o755)
    before = contents(place)
    found = told_by(BEGIN + ASKED, place, home=tmp_path / "home", prefix=mounted(read_only(place)))
    assert found["texts"] == ["Paris."] * 3
    assert found["before"] == (True if how == "for all to read" else "CacheError")
    words = {"damaged": "damaged", "others may write": "others may write", "for all to read": "read-only"}[how]
    assert any(words in text for text in found["told"])
    assert contents(place) == before
    campaign.committed(True)


def test_another_file_system(place: Path, tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """A cache and a model that are reached by links, each on a file system of its own, work as on one."""
    next(campaign(1))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    disk = mounted(
        small_disk(place, "20m"),
        f"ln -s {tiny} {place}/linked.gguf",
        f"ln -s {tmp_path}/elsewhere {place}/link",
    )
    found = told_by(BEGIN + LINKED, place, home=tmp_path / "home", prefix=disk)
    assert found["told"] == []
    campaign.committed(found["same"])


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a directory away")
def test_another_owner(tmp_path: Path, campaign: Campaign) -> None:
    """A cache that really is another user's is refused by name: answers that he may have planted are not shown."""
    next(campaign(1))
    told_by(BEGIN + BEFORE, tmp_path, home=tmp_path / "h")
    for path in [tmp_path / "cache", *(tmp_path / "cache").rglob("*")]:
        os.chown(path, 12_345, 12_345)
    kind, message, hint = told_by(BEGIN + ANOTHERS, tmp_path, home=tmp_path / "h")
    assert kind == "CacheError"
    assert "belongs to user 12345" in message
    assert "--cache off" in hint
    shutil.rmtree(tmp_path / "cache")


def test_a_kernel(home: Path, new_kernel: Callable[..., Kernel], campaign: Campaign) -> None:
    """With a full disk under its cache a kernel answers cell after cell, and says so in the first one only."""
    next(campaign(1))
    (home / "cache").mkdir(parents=True)
    kernel = new_kernel(prefix=mounted(small_disk(home / "cache", "32k")))
    first = kernel.good("%llm Hello", "a")
    second = kernel.good("%llm Hello", "b")
    assert first.text == second.text
    assert "cannot be used" in str(first.outputs) or "full" in str(first.outputs)
    assert "full" not in second.stdout
