from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache, Entry
from jupyter_localllm.cache.trouble import Damaged
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Message, Result, Sampling
from tests.cache.hostile import bomb, plant, run
from tests.cache.samples import entry, key, templated

OpenCache = Callable[..., AnswerCache]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers" / "cache.db"


# -- the work ----------------------------------------------------------------------------------------------------------


def test_what_was_put_is_found(cache: AnswerCache, open_cache: OpenCache, notices: list[str]) -> None:
    """An answer is found again, whole, by this kernel and by the next one."""
    assert cache.get(key()) is None
    made = entry(key())
    assert cache.put(key(), made)
    assert cache.get(key()) == made
    cache.close()
    assert open_cache().get(key()) == made
    assert open_cache().get(key("another")) is None
    assert notices == []


def test_the_last_put_counts(cache: AnswerCache) -> None:
    """`--cache refresh` replaces the answer."""
    cache.put(key(), entry(key(), "old"))
    cache.put(key(), entry(key(), "new"))
    found = cache.get(key())
    assert found is not None
    assert found.result.text == "new"
    assert cache.stats().entries == 1


def test_nothing_is_touched_before_use(tmp_path: Path) -> None:
    """Making a cache, and loading the room, opens nothing and imports neither diskcache nor SQLite."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom jupyter_localllm.cache import *\n"
        "cache = AnswerCache(Path(sys.argv[1]))\ncache.memo, cache.directory, cache.on_notice\n"
        "print({'diskcache', 'sqlite3', 'llama_cpp'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
    )
    assert done.stdout == "set()\n"
    assert not (tmp_path / "cache").exists()


def test_an_interrupted_answer_is_not_kept(cache: AnswerCache) -> None:
    """A partial answer must never be replayed as one."""
    assert not cache.put(key(), entry(key(), finish_reason="interrupted"))
    assert cache.get(key()) is None


def test_an_entry_stands_under_its_own_key(cache: AnswerCache) -> None:
    """An answer cannot be put under the key of another question."""
    with pytest.raises(CacheError, match="not of this key"):
        cache.put(key("another"), entry(key()))


def test_statistics_of_all_kernels(cache: AnswerCache, open_cache: OpenCache, tmp_path: Path) -> None:
    """Hits and misses are those of all kernels; looking without asking counts as nothing."""
    cache.get(key())
    cache.put(key(), entry(key()))
    cache.get(key())
    cache.peek(key())
    cache.close()
    other = open_cache()
    other.get(key())
    stats = other.stats()
    assert (stats.entries, stats.hits, stats.misses) == (1, 2, 1)
    assert stats.directory == tmp_path / "cache"
    files = [path for path in (tmp_path / "cache").rglob("*/*") if path.is_file()]
    assert stats.size_bytes == sum(path.stat().st_size for path in files) > 4096


def test_clear_forgets_answers(cache: AnswerCache, database: Path) -> None:
    """All answers go, their bytes too, and damaged files that were set aside; the statistics and the memo stay."""
    for number in range(300):
        cache.put(key(str(number)), entry(key(str(number)), "a secret answer"))
    cache.memo["a"] = "1"
    cache.get(key("1"))
    (database.parent / "cache.db.damaged-1").write_text("x")
    before = cache.stats().size_bytes
    assert cache.clear() == 300
    stats = cache.stats()
    assert (stats.entries, stats.hits) == (0, 1)
    assert stats.size_bytes < before / 2
    assert b"secret" not in b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert not (database.parent / "cache.db.damaged-1").exists()
    assert cache.memo["a"] == "1"
    assert cache.clear() == 0


def test_prune_by_age_is_by_last_use(cache: AnswerCache, database: Path) -> None:
    """An old answer that last night's report used is not old."""
    for name in ("old", "used", "new"):
        cache.put(key(name), entry(key(name)))
    long_ago = time.time() - 40 * 86_400
    for name in ("old", "used"):
        run(
            database,
            "UPDATE Cache SET access_time = ?, store_time = ? WHERE key = ?",
            long_ago,
            long_ago,
            key(name).digest,
        )
    cache.get(key("used"))
    assert cache.prune(older_than_days=30) == 1
    assert [cache.peek(key(name)) is not None for name in ("old", "used", "new")] == [False, True, True]
    assert cache.prune() == 0


def test_prune_to_a_size(cache: AnswerCache) -> None:
    """Down to a size, what was used last stays."""
    for number in range(50):
        cache.put(key(str(number)), entry(key(str(number)), "word " * 2_000))
    assert 10 < cache.prune(to_bytes=500_000) < 45
    assert cache.peek(key("49")) is not None
    assert cache.peek(key("0")) is None
    assert cache.stats().size_bytes < 700_000


def test_it_does_not_outgrow_its_limit(open_cache: OpenCache, notices: list[str]) -> None:
    """Beyond the limit the longest unused leave, never the one just written; one too large is not kept, and said."""
    cache = open_cache(size_limit_bytes=400_000)
    for number in range(60):
        assert cache.put(key(str(number)), entry(key(str(number)), "word " * 1_000))
        assert cache.peek(key(str(number))) is not None
    assert 5 < cache.stats().entries < 40
    assert cache.peek(key("0")) is None
    assert notices == []
    assert not cache.put(key("large"), entry(key("large"), "word " * 50_000))
    assert len(notices) == 1
    assert "too large" in notices[0]


def test_nearest_is_the_same_cell(cache: AnswerCache) -> None:
    """The document that shares most comes back, the one used last among equals, never the key's own."""
    assert cache.nearest(key()) is None
    now = templated(("text", "Describe "), ("{{ df }}", "1"))
    others = [
        key("Something else"),
        templated(("text", "Describe "), ("{{ df }}", "2"), sampling=Sampling(temperature=1.0)),
        templated(("text", "Describe "), ("{{ df }}", "3")),
        templated(("text", "Describe "), ("{{ df }}", "4")),
        templated(("text", "Summarise "), ("{{ df }}", "1")),
    ]
    for other in others:
        cache.put(other, entry(other))
        time.sleep(0.002)
    assert cache.nearest(now) == others[3].document
    cache.put(now, entry(now))
    assert cache.nearest(now) == others[3].document


def test_nearest_does_bounded_work(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the documents used last are looked at, and one that is too long is passed over."""
    long = key(messages=[Message.of("user", f"{number} " + "x" * 300) for number in range(300)])
    cache.put(long, entry(long))
    assert cache.nearest(key()) is None
    monkeypatch.setattr("jupyter_localllm.cache.answers._RECENT", 3)
    for number in range(5):
        other = key(f"Question {number}")
        cache.put(other, entry(other))
        time.sleep(0.002)
    nearest = cache.nearest(key("Question 0", max_tokens=1))
    assert nearest is not None
    assert nearest["messages"][-1]["excerpt"] != "Question 0"


def test_entries_in_order(cache: AnswerCache) -> None:
    """All answers come by in order of their digests, page by page."""
    made = {key(str(number)).digest: entry(key(str(number))) for number in range(45)}
    for number in range(45):
        cache.put(key(str(number)), made[key(str(number)).digest])
    assert list(cache.entries()) == sorted(made.items())


# -- damage ------------------------------------------------------------------------------------------------------------


def garbage(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def damage_header(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"not a database at all" + data[21:])


def damage_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = garbage(len(data) - 4096)
    path.write_bytes(data)


def make_another(path: Path, statement: str) -> None:
    path.unlink()
    run(path, statement)


KINDS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(garbage(20_000)),
    "short": lambda path: path.write_bytes(b"SQLite"),
    "text": lambda path: path.write_text("hello " * 1_000),
    "header": damage_header,
    "all but the first page": damage_middle,
    "half": lambda path: os.truncate(path, path.stat().st_size // 2 // 4096 * 4096),
    "a byte short": lambda path: os.truncate(path, path.stat().st_size // 2 - 1),
    "another database": lambda path: make_another(path, "CREATE TABLE Cache (key, value)"),
    "foreign columns": lambda path: make_another(path, "CREATE TABLE Settings (key, secret)"),
    "trigger": lambda path: run(path, "CREATE TRIGGER t AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END"),
}


@pytest.mark.parametrize("opened", [False, True], ids=["before opening", "while open"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_costs_itself(
    open_cache: OpenCache, database: Path, notices: list[str], kind: str, opened: bool
) -> None:
    """Whatever happened to the file: no error reaches the person, the memo lives, and new answers are kept."""
    cache = open_cache()
    for number in range(60):
        cache.put(key(str(number)), entry(key(str(number))))
    cache.memo["a"] = "1"
    cache.close()  # all in the file, nothing in the journal
    if opened:
        cache.peek(key("1"))
    if opened and (kind == "trigger" or os.name != "posix"):
        pytest.skip("not while it is open: SQLite would run the trigger, and Windows protects the file")
    KINDS[kind](database)
    for number in range(60):
        cache.get(key(str(number)))
    cache.put(key("new"), entry(key("new")))
    again = open_cache()
    assert again.get(key("new")) == cache.get(key("new")) is not None
    assert again.memo["a"] == "1"
    assert again.usable
    aside = sorted(path.name for path in database.parent.glob("cache.db.damaged-*") if path.suffix != ".db")
    if notices:
        assert "set aside" in notices[0]
        assert aside[0] in notices[0]
        assert len(notices) == len([name for name in aside if name[-1].isdigit()]) == 1
    else:
        # SQLite may not notice while it has the pages in memory, or may have written the file anew.
        assert opened


def test_a_damaged_file_is_kept_beside(cache: AnswerCache, database: Path, notices: list[str]) -> None:
    """Nothing is deleted: what was set aside is the file as it was found, each under its own number."""
    cache.put(key(), entry(key()))
    for number in (1, 2):
        cache.close()
        database.write_bytes(garbage(1_000 + number))
        assert cache.get(key()) is None
        assert (database.parent / f"cache.db.damaged-{number}").read_bytes() == garbage(1_000 + number)
    assert len(notices) == 2


@pytest.mark.parametrize("sidecar", ["-wal", "-shm"])
def test_damaged_journals_cost_at_most_what_is_in_them(cache: AnswerCache, database: Path, sidecar: str) -> None:
    """Garbage beside the database does not cost the database."""
    cache.put(key(), entry(key()))
    cache.close()
    Path(f"{database}{sidecar}").write_bytes(garbage(50_000))
    assert cache.get(key()) == cache.get(key()) is not None


def test_a_damaged_entry_is_dropped_and_told(cache: AnswerCache, database: Path, notices: list[str]) -> None:
    """A bit that flipped inside one answer costs this answer, and no other."""
    for name in "abc":
        cache.put(key(name), entry(key(name)))
    run(database, "UPDATE Cache SET value = replace(value, 'Paris', 'Rome!') WHERE key = ?", key("b").digest)
    assert cache.get(key("b")) is None
    assert len(notices) == 1
    assert "dropped" in notices[0]
    assert cache.get(key("b")) is None
    assert len(notices) == 1
    assert cache.get(key("a")) is not None
    assert cache.stats().entries == 2
    assert not list(database.parent.glob("*.damaged-*"))


@pytest.mark.parametrize(
    ("mode", "filename"), [(4, None), (2, "../../../victim"), (4, "bomb.val")], ids=["pickle", "file", "pickled file"]
)
def test_a_planted_pickle_is_dropped(
    cache: AnswerCache, notices: list[str], tmp_path: Path, mode: int, filename: str | None
) -> None:
    """Nothing runs, no other file is read or deleted, the row goes and it is told."""
    database = tmp_path / "cache" / "answers" / "cache.db"
    (tmp_path / "victim").write_text("precious")
    cache.put(key(), entry(key()))
    (database.parent / "bomb.val").write_bytes(bomb(tmp_path / "crater"))
    value = None if filename else bomb(tmp_path / "crater")
    plant(database, key().digest, mode=mode, filename=filename, value=value)
    plant(database, key("two").digest, mode=mode, filename=filename, value=value)
    assert list(cache.entries()) == []
    assert cache.get(key()) is None
    assert cache.nearest(key("x")) is None
    assert all("dropped" in notice for notice in notices)
    assert len(notices) == 2
    assert cache.stats().entries == 0
    assert not (tmp_path / "crater").exists()
    assert (tmp_path / "victim").read_text() == "precious"


def test_an_entry_under_a_foreign_key_is_dropped(cache: AnswerCache, database: Path, notices: list[str]) -> None:
    """A row that was given another key is not an answer to that question."""
    cache.put(key("a"), entry(key("a")))
    run(database, "UPDATE Cache SET key = ?", key("b").digest)
    assert cache.get(key("b")) is None
    assert "not its own" in notices[0]


def test_two_kernels_that_find_the_same_damage(cache: AnswerCache, open_cache: OpenCache, database: Path) -> None:
    """The second one does not set the fresh database of the first one aside."""
    if os.name != "posix":
        pytest.skip("an open file cannot be set aside here")
    kernels = [cache, open_cache(), open_cache()]
    for kernel in kernels:
        kernel.put(key(), entry(key()))
    damage_middle(database)
    for number, kernel in enumerate(kernels):
        kernel.get(key())
        assert kernel.put(key(f"new {number}"), entry(key(f"new {number}")))
    for kernel in kernels:
        assert [kernel.peek(key(f"new {number}")) is not None for number in range(3)] == [True] * 3
    assert len(list(database.parent.glob("*.damaged-?"))) <= 1


def test_a_directory_deleted_under_an_open_cache(cache: AnswerCache, tmp_path: Path, notices: list[str]) -> None:
    """`rm -r` of the cache while kernels run costs the answers, nothing else; new ones are really kept."""
    if os.name != "posix":
        pytest.skip("an open file cannot be deleted here")
    cache.put(key(), entry(key()))
    cache.memo["a"] = "1"
    shutil.rmtree(tmp_path / "cache")
    assert cache.get(key()) is None
    assert cache.memo.get("a") is None
    assert cache.put(key(), entry(key()))
    cache.close()
    assert cache.get(key()) is not None
    assert notices == []


def test_a_disk_that_breaks_everything(
    cache: AnswerCache, database: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where even a fresh database is damaged, cells go on without, and files that were set aside do not pile up."""
    from jupyter_localllm.cache import store

    def refuse(self: object) -> None:
        raise Damaged("Nothing is right here.")

    cache.put(key(), entry(key()))
    cache.close()
    monkeypatch.setattr(store.Store, "_inspect", refuse)
    for _ in range(5):
        assert cache.get(key()) is None
        assert not cache.put(key(), entry(key()))
    assert len([path for path in database.parent.iterdir() if path.name[-1].isdigit()]) == 1
    assert len(notices) == 2
    assert "set aside" in notices[0]
    assert "cannot be used" in notices[1]


# -- disks that do not let us ------------------------------------------------------------------------------------------


def exercise(cache: AnswerCache) -> None:
    """Everything that a cell does."""
    for name in "ab":
        assert cache.get(key(name)) is None
        assert not cache.put(key(name), entry(key(name)))
        assert cache.nearest(key(name)) is None
        cache.remember_model("smollm2", "ab")
        assert cache.model_sha256("smollm2") == "ab"


def test_no_directory_is_no_error(open_cache: OpenCache, tmp_path: Path, notices: list[str]) -> None:
    """A cache that cannot be made is told once, and cells go on without it; commands about it say why."""
    (tmp_path / "file").touch()
    cache = open_cache(tmp_path / "file" / "cache")
    exercise(cache)
    assert not cache.usable
    assert len(notices) == 2  # the answers, and the memo
    assert all("cannot be used" in notice for notice in notices)
    stats = cache.stats()
    assert (stats.entries, stats.size_bytes) == (0, 0)
    for command in (cache.clear, lambda: cache.prune(older_than_days=1), lambda: list(cache.entries())):
        with pytest.raises(CacheError, match="cannot be used"):
            command()


READ_ONLY = """
import os, sys
from pathlib import Path
from tests.cache.test_answers import *
import jupyter_localllm.cache.store
if os.geteuid() == 0:  # for root nothing is read-only
    os.setuid(65534)
told = []
cache = AnswerCache(Path(sys.argv[1]), on_notice=told.append)
for name in "ab":
    assert cache.get(key(name)) is None
    assert not cache.put(key(name), entry(key(name)))
assert not cache.usable
print(*told, sep="\\n")
"""


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("read_only", ["parent", "room"])
def test_a_read_only_directory(
    tmp_path_factory: pytest.TempPathFactory, child: Callable[..., subprocess.Popen[str]], read_only: str
) -> None:
    """A directory that may be read but not written: told once, and cells go on."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to other users
        outer = Path(name)
        outer.chmod(0o755)
        if read_only == "room":
            AnswerCache(outer / "cache").put(key(), entry(key()))
            for path in (outer / "cache").rglob("*"):
                path.chmod(0o555 if path.is_dir() else 0o444)
                if os.geteuid() == 0:
                    os.chown(path, 65534, 65534)
            if os.geteuid() == 0:
                os.chown(outer / "cache", 65534, 65534)
        else:
            outer.chmod(0o555)
        process = child(READ_ONLY, outer / "cache")
        told = process.communicate(timeout=60)[0].splitlines()
        outer.chmod(0o755)
    assert process.returncode == 0
    assert len(told) == 1
    assert "cannot be used" in told[0]


FULL = """
import resource, sys
from pathlib import Path
from tests.cache.test_answers import *
told = []
cache = AnswerCache(Path(sys.argv[1]), on_notice=told.append)
assert cache.put(key("first"), entry(key("first")))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))  # no file may grow beyond
kept = [cache.put(key(str(n)), entry(key(str(n)), "word " * 2_000)) for n in range(30)]
assert not all(kept)
assert cache.get(key("first")) is not None
for n, was_kept in enumerate(kept):
    assert (cache.get(key(str(n))) is not None) == was_kept, n
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert cache.put(key("last"), entry(key("last"), "word " * 2_000))
print(*told, sep="\\n")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs RLIMIT_FSIZE")
def test_a_full_disk(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]], open_cache: OpenCache, notices: list[str]
) -> None:
    """What did not fit is not kept and told once; what is there stays readable; with room again, it is kept again."""
    process = child(FULL, tmp_path / "cache")
    told = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 0
    assert len(told) == 1
    assert open_cache().get(key("last")) is not None
    assert open_cache().get(key("first")) is not None
    assert notices == []


def test_somebody_elses_directory_is_refused(
    cache: AnswerCache, monkeypatch: pytest.MonkeyPatch, notices: list[str]
) -> None:
    """Answers that another user may have planted are not shown: this is an error, not a miss."""
    if os.name != "posix":
        pytest.skip("owners are POSIX")
    cache.put(key(), entry(key()))
    cache.close()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    for act in (lambda: cache.get(key()), lambda: cache.put(key(), entry(key())), cache.stats):
        with pytest.raises(CacheError, match="belongs to user"):
            act()
    assert not cache.usable


def test_a_busy_database_is_a_miss_and_no_damage(
    cache: AnswerCache, database: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that holds the database for long costs time and answers, not the file."""
    import sqlite3

    cache.put(key(), entry(key()))
    monkeypatch.setattr("jupyter_localllm.cache.database.PATIENCE", 0.05)
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert cache.get(key()) is not None  # reading goes on
    assert not cache.put(key("new"), entry(key("new")))
    assert len(notices) == 1
    assert "held by another process" in notices[0]
    holder.close()
    assert cache.put(key("new"), entry(key("new")))
    assert not list(database.parent.glob("*.damaged-*"))


def test_who_listens_is_called_without_a_lock(open_cache: OpenCache, tmp_path: Path) -> None:
    """The listener may use the cache, also from another thread."""
    (tmp_path / "file").touch()
    cache = open_cache(tmp_path / "file" / "cache")
    heard = []

    def listen(text: str) -> None:
        thread = threading.Thread(target=cache.get, args=(key(),))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        heard.append(text)

    cache.on_notice = listen
    cache.get(key())
    assert len(heard) == 1


# -- together ----------------------------------------------------------------------------------------------------------


def test_many_threads(cache: AnswerCache, notices: list[str]) -> None:
    """Threads of one kernel put and get at the same time; everything is there and counted."""
    errors: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for number in range(25):
                mine = key(f"{me} {number}")
                assert cache.put(mine, entry(mine))
                assert cache.get(mine) is not None
                cache.memo[f"{me} {number}"] = "x"
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    stats = cache.stats()
    assert (stats.entries, stats.hits, stats.misses) == (150, 150, 0)
    assert len(cache.memo) == 150
    assert notices == []


WRITER = """
import sys
from pathlib import Path
from tests.cache.test_answers import *
told = []
cache = AnswerCache(Path(sys.argv[1]), on_notice=told.append)
for number in range(60):
    mine = key(f"{sys.argv[2]} {number}")
    assert cache.put(mine, entry(mine))
    cache.put(key("shared"), entry(key("shared"), sys.argv[2]))
    assert cache.get(key("shared")) is not None
    cache.memo[f"{sys.argv[2]} {number}"] = "x"
cache.close()
assert not told, told
"""


def test_many_processes(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]], open_cache: OpenCache, notices: list[str]
) -> None:
    """Kernels that start together on a directory that does not exist yet, and write at once, lose nothing."""
    processes = [child(WRITER, tmp_path / "cache", name) for name in "abcd"]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0] * 4
    cache = open_cache()
    for name in "abcd":
        for number in range(60):
            assert cache.peek(key(f"{name} {number}")) is not None
    stats = cache.stats()
    assert (stats.entries, stats.hits) == (241, 240)
    assert len(cache.memo) == 240
    assert notices == []


FINDER = """
import sys
from pathlib import Path
from tests.cache.test_answers import *
cache = AnswerCache(Path(sys.argv[1]), on_notice=lambda text: print("notice", text, flush=True))
sys.stdin.readline()
mine = key(sys.argv[2])
assert cache.put(mine, entry(mine))
assert cache.peek(mine) is not None
"""


def test_many_processes_find_the_same_damage(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]], open_cache: OpenCache, database: Path
) -> None:
    """Exactly one sets the file aside, and what each of them then puts is there for all."""
    open_cache().put(key(), entry(key()))
    open_cache().close()
    shutil.rmtree(tmp_path / "cache")
    database.parent.mkdir(parents=True, mode=0o700)
    for round_ in range(3):
        for path in database.parent.iterdir():
            path.unlink()
        database.write_bytes(garbage(5_000))
        processes = [child(FINDER, tmp_path / "cache", name, stdin=subprocess.PIPE) for name in "abcd"]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.close()
            process.stdin = None
        told = "".join(process.communicate(timeout=120)[0] for process in processes)
        assert [process.returncode for process in processes] == [0] * 4
        assert told.count("notice") == 1, (round_, told)
        cache = open_cache()
        assert all(cache.peek(key(name)) is not None for name in "abcd")
        cache.close()


FORKER = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore")  # Python warns of forks with threads: that is what is tried here
from pathlib import Path
from tests.cache.test_answers import *
cache = AnswerCache(Path(sys.argv[1]), on_notice=print)
assert cache.put(key("parent"), entry(key("parent")))
stop = threading.Event()
def busy():
    while not stop.is_set():
        cache.put(key("busy"), entry(key("busy")))
        time.sleep(0.001)
thread = threading.Thread(target=busy)
thread.start()
children = []
started = time.monotonic()
for number in range(8):
    pid = os.fork()
    if pid == 0:
        mine = key(f"child {number}")
        ok = cache.get(key("parent")) is not None and cache.put(mine, entry(mine)) and cache.get(mine) is not None
        time.sleep(0.02 * number)  # parent and siblings open and close meanwhile
        ok = ok and cache.put(mine, entry(mine, "again")) and cache.get(mine).result.text == "again"
        cache.close()
        os._exit(0 if ok else 1)
    children.append(pid)
while time.monotonic() < started + 0.4:
    cache.get(key("parent"))
codes = [os.waitpid(pid, 0)[1] for pid in children]
stop.set()
thread.join()
assert codes == [0] * 8, codes
assert cache.put(key("after"), entry(key("after")))
assert all(cache.get(key(f"child {number}")).result.text == "again" for number in range(8))
cache.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_uses_its_own_connection(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]], open_cache: OpenCache
) -> None:
    """A child of a kernel, forked while another thread writes, reads and writes itself, and harms nobody."""
    process = child(FORKER, tmp_path / "cache")
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 0
    assert open_cache().stats().entries == 11


def test_timings_of_an_answer_are_kept(cache: AnswerCache) -> None:
    """The cache keeps what the run took, for those who want to know; only exports leave it out."""
    made = entry(key())
    cache.put(key(), made)
    found = cache.get(key())
    assert found is not None
    assert found.result.timings == made.result.timings
    assert found.created == made.created
    assert replace(found, created=0.0) != made.durable()


def test_a_wild_entry_is_an_error_of_ours(cache: AnswerCache) -> None:
    """What cannot be written as JSON is a CacheError at once, before the disk."""
    bad = Entry.of((), Result("x", model=object()), key())  # type: ignore[arg-type]
    with pytest.raises(CacheError, match="object"):
        cache.put(key(), bad)
