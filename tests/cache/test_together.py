from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from tests.cache.hostile import garbage
from tests.cache.samples import entry, key

OpenCache = Callable[..., AnswerCache]


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
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
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
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
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
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
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


INTERRUPTED = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from jupyter_localllm.cache import AnswerCache, shelf
from tests.cache.samples import entry, key
cache = AnswerCache(Path(sys.argv[1]))
assert cache.put(key(), entry(key()))
cache.remember_model("a", "b")
def interrupt(path):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
reachable, shelf.reachable = shelf.reachable, interrupt
told = []
sys.unraisablehook = lambda error: told.append(error.exc_type.__name__)
pid = os.fork()
if pid == 0:
    os._exit(0)
shelf.reachable = reachable
assert os.waitpid(pid, 0)[1] == 0
assert told == ["KeyboardInterrupt"], told
found = []
thread = threading.Thread(target=lambda: found.append((cache.get(key()), cache.models())), daemon=True)
thread.start()
thread.join(20)
print(bool(found and found[0][0]), found and found[0][1], flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_an_interrupt_while_a_kernel_forks(tmp_path: Path, child: Callable[..., subprocess.Popen[str]]) -> None:
    """Ctrl-C while a fork waits for the cache's disk locks no other thread of the kernel out of the cache."""
    process = child(INTERRUPTED, tmp_path / "cache")
    assert process.communicate(timeout=60)[0] == "True {'a': 'b'}\n"


OPENING = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from jupyter_localllm.cache import AnswerCache, shelf
from tests.cache.samples import entry, key
shelf._OPENING = 0.05
cache = AnswerCache(Path(sys.argv[1]))
assert cache.put(key(), entry(key()))
cache.close()
inside, go_on = threading.Event(), threading.Event()
real = shelf.prepare
def slowly(*arguments):
    inside.set()
    go_on.wait(30)
    return real(*arguments)
shelf.prepare = slowly
thread = threading.Thread(target=cache.get, args=(key(),))
thread.start()
inside.wait(30)
pid = os.fork()
if pid == 0:
    shelf.prepare = real
    os._exit(10 + cache.usable)
go_on.set()
thread.join()
shelf.prepare = real
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), cache.get(key()) is not None)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_opens(tmp_path: Path, child: Callable[..., subprocess.Popen[str]]) -> None:
    """The child goes without the cache: SQLite's own locks may be held by a thread that it does not have."""
    process = child(OPENING, tmp_path / "cache")
    assert process.communicate(timeout=60)[0] == "10 True\n"
