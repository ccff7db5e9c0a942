"""Random campaigns: processes killed at any moment, files damaged at any place. Samples here, the whole under soak."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache, Entry
from tests.cache.samples import entry, key

# Writes answers of very different sizes and says of each, after `put` has returned, that it is kept.
VICTIM = """
import random, sys
from pathlib import Path
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
directory, seed = Path(sys.argv[1]), int(sys.argv[2])
cache = AnswerCache(directory, on_notice=lambda text: print("notice", text, flush=True))
randomly = random.Random(seed)
number = 0
while True:
    mine = key(f"{seed} {number}")
    words = int(10 ** randomly.uniform(0, 4.5))
    if cache.put(mine, entry(mine, f"{seed} {number} " + "word " * words)):
        print(number, flush=True)
    cache.memo[f"{seed} {number}"] = "x"
    if randomly.random() < 0.1:
        cache.prune(older_than_days=1)
    if randomly.random() < 0.05:
        cache.close()
    number += 1
"""


def kill_somewhere(process: subprocess.Popen[str], randomly: random.Random) -> list[str]:
    """Let the process live for a moment, kill it with SIGKILL, and return the lines it got out."""
    assert process.stdout is not None
    # Sometimes before it has opened the cache for the first time, mostly while it writes.
    lines = [] if randomly.random() < 0.2 else [process.stdout.readline()]
    time.sleep(randomly.uniform(0, 0.3) if not lines else randomly.uniform(0, 0.05))
    process.kill()
    process.wait()
    lines += process.stdout.readlines()
    return [line for line in lines if line.endswith("\n")]  # the last one may be cut


def check_round(directory: Path, seed: int, lines: list[str], notices: list[str]) -> None:
    cache = AnswerCache(directory, on_notice=notices.append)
    kept = [line for line in lines if not line.startswith("notice")]
    assert kept == lines, lines
    for line in kept:
        found = cache.get(key(f"{seed} {int(line)}"))
        assert found is not None, (seed, line)
        assert found.result.text.startswith(f"{seed} {int(line)} word")
    for line in kept[:-1]:  # written after the line before it was said
        assert cache.memo[f"{seed} {int(line)}"] == "x"
    assert cache.put(key("after"), entry(key("after")))
    cache.close()
    assert notices == []


def kill_campaign(child: Callable[..., subprocess.Popen[str]], directory: Path, seeds: range) -> None:
    total = 0
    acknowledged: list[tuple[int, str]] = []
    for seed in seeds:
        if seed % 5 == 0:  # now and then from nothing: killed while it makes the databases
            shutil.rmtree(directory, ignore_errors=True)
            acknowledged.clear()
        lines = kill_somewhere(child(VICTIM, directory, seed), random.Random(seed))
        check_round(directory, seed, lines, [])
        acknowledged += [(seed, line) for line in lines]
        total += len(lines)
        cache = AnswerCache(directory)
        for earlier, line in random.Random(seed).sample(acknowledged, min(20, len(acknowledged))):
            assert cache.peek(key(f"{earlier} {int(line)}")) is not None, (seed, earlier, line)
        cache.close()
    assert total > len(seeds), "the victims were killed before they could write: the campaign shows nothing"


def test_a_killed_kernel_loses_nothing_that_was_kept(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]]
) -> None:
    """After kill -9 at any moment, every answer whose `put` had returned is there, and the cache works."""
    kill_campaign(child, tmp_path / "cache", range(15))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_killed_kernel_loses_nothing_in_200_rounds(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]]
) -> None:
    """The same, 200 times."""
    kill_campaign(child, tmp_path / "cache", range(1_000, 1_200))


def mutate(data: bytes, randomly: random.Random) -> bytes:
    """Damage a file as disks, sync programs and people do."""
    changed = bytearray(data)
    kind = randomly.randrange(6)
    start = randomly.randrange(len(data))
    length = min(len(data) - start, int(10 ** randomly.uniform(0, 4)))
    if kind == 0:
        del changed[start:]
    elif kind == 1:
        changed[start : start + length] = randomly.randbytes(length)
    elif kind == 2:
        changed[start : start + length] = bytes(length)
    elif kind == 3:
        for _ in range(randomly.randint(1, 20)):
            changed[randomly.randrange(len(data))] ^= 1 << randomly.randrange(8)
    elif kind == 4:
        del changed[start : start + length]
    else:
        # The header and the schema: where SQLite looks first.
        changed[randomly.randrange(min(4096, len(data)))] = randomly.randrange(256)
    return bytes(changed)


def damage_campaign(directory: Path, seeds: range) -> int:
    """Damage the database once for each seed; gives how often that was told. Nothing is told where nothing was hit."""
    made: dict[str, Entry] = {str(number): entry(key(str(number)), f"{number} " * 200) for number in range(40)}
    cache = AnswerCache(directory)
    for name, item in made.items():
        assert cache.put(key(name), item)
    cache.close()
    database = directory / "answers" / "cache.db"
    good = database.read_bytes()
    told, lost = 0, 0
    for seed in seeds:
        for path in database.parent.iterdir():
            path.unlink()
        database.write_bytes(mutate(good, random.Random(seed)))
        notices: list[str] = []
        cache = AnswerCache(directory, on_notice=notices.append)
        found = {name: cache.get(key(name)) for name in made}
        assert all(item is None or item == made[name] for name, item in found.items()), seed
        cache.nearest(key("x"))
        cache.stats()
        cache.put(key("new"), entry(key("new")))
        cache.put(key("new"), entry(key("new")))
        assert cache.get(key("new")) == cache.peek(key("new")) is not None, (seed, notices)
        cache.close()
        told += bool(notices)
        lost += None in found.values()
    assert told > 0
    assert lost > 0
    return told


def test_damage_anywhere_is_survived(tmp_path: Path) -> None:
    """Whatever bytes of the file change: no exception, no changed answer, and the next answer is kept."""
    damage_campaign(tmp_path / "cache", range(40))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_damage_anywhere_is_survived_2000_times(tmp_path: Path) -> None:
    """The same, 2,000 times."""
    damage_campaign(tmp_path / "cache", range(10_000, 12_000))
