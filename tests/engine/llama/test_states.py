"""Prefix states: the longest prefix is found, and nothing but what was put is ever given."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.engine.llama import state_folder
from jupyter_localllm.engine.llama.states import StateKey, StateStore

KEY = StateKey("ab" * 32, "llama.cpp 0.3.36", '{"k":"f16","v":"f16"}')
OTHERS = [
    StateKey("cd" * 32, KEY.build, KEY.context),
    StateKey(KEY.model_sha256, "llama.cpp 0.3.37", KEY.context),
    StateKey(KEY.model_sha256, KEY.build, '{"k":"q8_0","v":"f16"}'),
]
DATA = bytes(range(256)) * 4
TOKENS = [5, 6, 7, 8]


def store(directory: Path | None, **options: Any) -> StateStore:
    options = {"ram_bytes": 0, "disk_bytes": 10**6, "key": KEY} | options
    return StateStore(options.pop("key"), directory, **options)


def get(states: StateStore, tokens: list[int] = TOKENS, exact_ends: bool = False) -> bytes | None:
    """The data of the entry for all of `tokens`."""
    found = states.longest(tokens, more_than=len(tokens) - 1, exact_ends=exact_ends)
    return None if found is None else found.load()


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.exists() else []


def naive(entries: list[list[int]], tokens: list[int], more_than: int, exact_ends: bool) -> int | None:
    """The length that `longest` must find, said slowly."""
    lengths = []
    for entry in entries:
        length = 0
        while length < min(len(entry), len(tokens)) and entry[length] == tokens[length]:
            length += 1
        if not exact_ends or length == len(entry):
            lengths.append(length)
    best = max(lengths, default=0)
    return best if best > more_than else None


short_lists = st.lists(st.integers(0, 2), max_size=7)


@settings(max_examples=300, deadline=None)
@given(st.lists(short_lists, max_size=8), short_lists, st.integers(0, 6), st.booleans())
def test_the_longest_prefix_is_found(
    entries: list[list[int]], tokens: list[int], more_than: int, exact_ends: bool
) -> None:
    """It is as long as a plain search over all entries says, the entry does begin so, and the data is its own."""
    states = store(None, ram_bytes=10**6)
    for entry in entries:
        states.put(entry, repr(entry).encode(), keep=False)
    found = states.longest(tokens, more_than=more_than, exact_ends=exact_ends)
    assert (None if found is None else found.length) == naive(entries, tokens, more_than, exact_ends)
    if found is not None:
        assert found.tokens[: found.length].tolist() == tokens[: found.length]
        assert found.load() == repr(found.tokens.tolist()).encode()
        assert not exact_ends or found.length == len(found.tokens)


@settings(max_examples=25, deadline=None)
@given(st.lists(short_lists, max_size=5), short_lists, st.booleans())
def test_the_longest_prefix_is_found_on_disk(
    tmp_path_factory: pytest.TempPathFactory, entries: list[list[int]], tokens: list[int], exact_ends: bool
) -> None:
    """A store that is opened later finds the same in the files."""
    directory = tmp_path_factory.mktemp("states")
    writer = store(directory)
    for entry in entries:
        writer.put(entry, repr(entry).encode(), keep=True)
    found = store(directory).longest(tokens, more_than=0, exact_ends=exact_ends)
    assert (None if found is None else found.length) == naive(entries, tokens, 0, exact_ends)
    assert found is None or found.load() == repr(found.tokens.tolist()).encode()


def test_among_equals_memory_comes_first_then_the_smallest(tmp_path: Path) -> None:
    """A shared prefix comes from where it costs least."""
    states = store(tmp_path, ram_bytes=10)
    states.put([1, 2, 3], b"0123456789A", keep=True)
    states.put([1, 2, 4], b"0123456789", keep=True)
    states.clear()
    found = states.longest([1, 2, 5], more_than=0, exact_ends=False)
    assert found is not None
    assert (found.length, found.size, found.tokens.tolist()) == (2, 10, [1, 2, 4])
    states.put([1, 2, 6], b"in memory", keep=False)
    found = states.longest([1, 2, 5], more_than=0, exact_ends=False)
    assert found is not None
    assert found.load() == b"in memory"


def test_many_long_entries() -> None:
    """100 entries of 16,000 tokens that differ near their ends only."""
    states = store(None, ram_bytes=10**6)
    base = np.arange(16_000)
    for i in range(100):
        changed = base.copy()
        changed[15_000 + i] = -1
        states.put(changed.tolist(), b"%d" % i, keep=False)
    found = states.longest(base.tolist(), more_than=0, exact_ends=False)
    assert found is not None
    assert (found.length, found.load()) == (15_099, b"99")
    assert states.longest(base.tolist(), more_than=15_099, exact_ends=False) is None
    assert states.longest(base.tolist(), more_than=0, exact_ends=True) is None


def test_memory_is_limited_by_bytes() -> None:
    """The least recently used ones leave; what was loaded counts as used, and what is too large stays out."""
    states = store(None, ram_bytes=30)
    for i in range(3):
        states.put([i], b"%d" % i * 10, keep=False)
    assert get(states, [0]) == b"0" * 10
    states.put([3], b"3" * 10, keep=False)
    assert [get(states, [i]) is not None for i in range(4)] == [True, False, True, True]
    states.put([4], b"4" * 31, keep=False)
    assert get(states, [4]) is None
    assert states.ram_used == 30
    states.put([0], b"x" * 5, keep=False)
    assert (get(states, [0]), states.ram_used) == (b"x" * 5, 25)
    states.clear()
    assert (states.ram_used, get(states, [0])) == (0, None)


def test_what_is_put_can_be_changed_afterwards(tmp_path: Path) -> None:
    """The store keeps copies of buffers and of tokens."""
    states, data, tokens = store(tmp_path, ram_bytes=10**6), bytearray(b"state"), np.array(TOKENS, dtype=np.int32)
    states.put(tokens, memoryview(data), keep=True)  # type: ignore[arg-type]
    data[:] = b"other"
    tokens[:] = 0
    assert get(states) == b"state"
    assert get(store(tmp_path)) == b"state"


@pytest.mark.skipif(sys.platform == "win32", reason="no modes")
def test_files_are_private(tmp_path: Path) -> None:
    """The folder is 0700 and a file 0600, whatever they were and whatever the umask says."""
    directory = tmp_path / "a" / "states"
    directory.mkdir(parents=True, mode=0o755)
    store(directory).put(TOKENS, DATA, keep=True)
    (file,) = files(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_only_what_is_to_be_kept_is_written(tmp_path: Path) -> None:
    """Without `keep` no folder is even made."""
    directory = tmp_path / "states"
    states = store(directory, ram_bytes=10**6)
    states.put(TOKENS, DATA, keep=False)
    assert get(states) == DATA
    assert not directory.exists()
    assert get(store(directory)) is None


@pytest.mark.parametrize("other", OTHERS)
def test_another_key_is_never_given(tmp_path: Path, other: StateKey) -> None:
    """Another model, build or context has no use for the state, and leaves the file alone."""
    store(tmp_path).put(TOKENS, DATA, keep=True)
    assert get(store(tmp_path, key=other)) is None
    (file,) = files(tmp_path)
    # renamed to where the other one looks for its own
    foreign = store(tmp_path, key=other)
    foreign.put(TOKENS, b"theirs", keep=True)
    (theirs,) = set(files(tmp_path)) - {file}
    file.replace(theirs)
    assert get(store(tmp_path, key=other)) is None
    assert get(foreign) is None


def _regions(data: bytes) -> dict[str, int]:
    """One byte of each part of a file."""
    n_key, n_tokens = struct.unpack_from("<II", data, 12)
    tokens = 60 + n_key
    return {
        "magic": 2,
        "version": 8,
        "key length": 12,
        "number of tokens": 16,
        "data length": 20,
        "data digest": 40,
        "key": 70,
        "tokens": tokens + 5,
        "header digest": tokens + 4 * n_tokens + 3,
        "first of data": tokens + 4 * n_tokens + 32,
        "last of data": len(data) - 1,
    }


REGIONS = tuple(_regions(bytes(100)))
REMAINS = ("magic", "version")


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("late", [False, True])
def test_a_flipped_bit_is_a_miss(tmp_path: Path, region: str, late: bool) -> None:
    """Wherever it is, and also when the header was read before: no data. What is ours and damaged is removed."""
    states = store(tmp_path)
    states.put(TOKENS, DATA, keep=True)
    (file,) = files(tmp_path)
    found = states.longest(TOKENS, more_than=0, exact_ends=False)
    assert found is not None
    content = bytearray(file.read_bytes())
    content[_regions(content)[region]] ^= 1
    file.write_bytes(content)
    assert (found.load() if late else get(store(tmp_path))) is None
    assert file.exists() == (region in REMAINS)
    store(tmp_path).put(TOKENS, DATA, keep=True)
    assert get(store(tmp_path)) == DATA


def test_any_flipped_byte_of_a_small_file_is_a_miss(tmp_path: Path) -> None:
    """All of them, one after the other."""
    states = store(tmp_path)
    states.put(TOKENS, b"data", keep=True)
    (file,) = files(tmp_path)
    content = file.read_bytes()
    for i in range(len(content)):
        file.write_bytes(content[:i] + bytes([content[i] ^ 0x40]) + content[i + 1 :])
        assert get(store(tmp_path)) is None, i
    file.write_bytes(content)
    assert get(store(tmp_path)) == b"data"


@pytest.mark.parametrize("change", [lambda data: b"", lambda data: data[:30], lambda data: data[:-1]])
@pytest.mark.parametrize("late", [False, True])
def test_a_cut_file_is_a_miss_and_goes(tmp_path: Path, change: Callable[[bytes], bytes], late: bool) -> None:
    """Also when it was whole at first; the next best is found then."""
    states = store(tmp_path)
    states.put(TOKENS[:2], b"shorter", keep=True)
    (shorter,) = files(tmp_path)
    states.put(TOKENS, DATA, keep=True)
    (file,) = set(files(tmp_path)) - {shorter}
    if not late:
        states = store(tmp_path)
    found = states.longest(TOKENS, more_than=0, exact_ends=False) if late else None
    file.write_bytes(change(file.read_bytes()))
    assert found is None or found.load() is None
    again = states.longest(TOKENS, more_than=0, exact_ends=False)
    assert again is not None
    assert again.load() == b"shorter"
    assert files(tmp_path) == [shorter]


def test_appended_bytes_are_damage(tmp_path: Path) -> None:
    """A file is as long as its header says, or a miss."""
    store(tmp_path).put(TOKENS, DATA, keep=True)
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes() + b"x")
    assert get(store(tmp_path)) is None
    assert not file.exists()


def test_another_version_is_left_alone(tmp_path: Path) -> None:
    """A file of a newer format belongs to a newer program that may share the folder."""
    store(tmp_path).put(TOKENS, DATA, keep=True)
    (file,) = files(tmp_path)
    content = bytearray(file.read_bytes())
    content[8:12] = struct.pack("<I", 2)
    file.write_bytes(content)
    assert get(store(tmp_path)) is None
    assert file.exists()


def test_a_vanished_file_is_a_miss(tmp_path: Path) -> None:
    """Between finding and loading, and before."""
    states = store(tmp_path)
    states.put(TOKENS, DATA, keep=True)
    found = states.longest(TOKENS, more_than=0, exact_ends=False)
    for file in files(tmp_path):
        file.unlink()
    assert found is not None
    assert found.load() is None
    assert get(states) is None


def test_a_file_under_another_name_is_a_miss(tmp_path: Path) -> None:
    """The header's tokens must be those the name stands for."""
    states = store(tmp_path)
    states.put(TOKENS, DATA, keep=True)
    (file,) = files(tmp_path)
    states.put([1], b"1", keep=True)
    (other,) = set(files(tmp_path)) - {file}
    file.replace(other)
    assert get(store(tmp_path)) is None
    assert get(states, [1]) is None
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_pipes_and_folders_are_misses(tmp_path: Path) -> None:
    """Nothing but plain files in the folder is read, and none of it makes the store wait."""
    directory = tmp_path / "states"
    states = store(directory)
    states.put(TOKENS, DATA, keep=True)
    (file,) = files(directory)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert get(states) is None
    file.unlink()
    os.mkfifo(file)
    assert get(store(directory)) is None
    file.unlink()
    file.mkdir()
    assert get(store(directory)) is None


def test_other_files_in_the_folder_are_not_ours(tmp_path: Path) -> None:
    """They are neither read nor counted nor removed, not even when room is needed."""
    names = ["notes.txt", "0123456789abcdef.state", "x" * 16 + "-" + "0" * 32 + ".state"]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 5000)
    states = store(tmp_path, disk_bytes=2000)
    for i in range(5):
        states.put([i], DATA, keep=True)
    assert {file.name for file in files(tmp_path)} >= set(names)
    assert 0 < states.disk_used <= 2000


def test_the_folder_is_limited(tmp_path: Path) -> None:
    """The least recently used leave, of whatever key; loading counts as using; what is too large is not written."""
    states, other = store(tmp_path, disk_bytes=5500), store(tmp_path, disk_bytes=5500, key=OTHERS[0])
    states.put([0], DATA, keep=True)
    other.put([1], DATA, keep=True)
    states.put([2], DATA, keep=True)
    assert get(states, [0]) == DATA
    states.put([3], DATA, keep=True)
    states.put([4], DATA, keep=True)
    assert [get(states, [i]) is not None for i in (0, 2, 3, 4)] == [True, True, True, True]
    assert get(other, [1]) is None
    states.put([5], bytes(5500), keep=True)
    assert get(states, [5]) is None
    assert len(files(tmp_path)) == 4
    assert states.disk_used == sum(file.stat().st_size for file in files(tmp_path)) <= 5500


def test_no_limit_is_passed_in_between(tmp_path: Path) -> None:
    """Room is made before a file is written, and the limit holds after each put."""
    states = store(tmp_path, disk_bytes=3000)
    rng = np.random.default_rng(1)
    for i in range(40):
        states.put([i], bytes(int(rng.integers(1, 2500))), keep=True)
        assert get(states, [i]) is not None
        assert states.disk_used <= 3000


def test_two_stores_share_a_folder(tmp_path: Path) -> None:
    """What one puts the other finds at once, and what one removes is a miss of the other."""
    one, two = store(tmp_path, disk_bytes=2500), store(tmp_path, disk_bytes=2500)
    assert get(two) is None
    one.put(TOKENS, DATA, keep=True)
    assert get(two) == DATA
    for i in range(2):
        two.put([100 + i], DATA, keep=True)
    assert get(one) is None
    assert get(one, [101]) == DATA


def test_the_same_state_is_written_once(tmp_path: Path) -> None:
    """Put again it counts as used; the file stays."""
    states = store(tmp_path, disk_bytes=2600)
    states.put([0], DATA, keep=True)
    (file,) = files(tmp_path)
    before = file.stat().st_ino
    states.put([1], DATA, keep=True)
    states.put([0], DATA, keep=True)
    assert file.stat().st_ino == before
    states.put([2], DATA, keep=True)
    assert [get(states, [i]) is not None for i in range(3)] == [True, False, True]


def test_threads_and_stores_at_once(tmp_path: Path) -> None:
    """Whatever is given is whole and right, with limits so tight that files leave all the time."""
    stores = [store(tmp_path, disk_bytes=4000, ram_bytes=3000 * i) for i in range(3)]
    wrong: list[object] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            for _ in range(60):
                i, states = int(rng.integers(8)), stores[int(rng.integers(3))]
                if rng.integers(2):
                    states.put([i, i], bytes([i]) * 1000, keep=bool(rng.integers(2)))
                elif (data := get(states, [i, i])) is not None and data != bytes([i]) * 1000:
                    wrong.append((i, data))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [states.trouble for states in stores] == ["", "", ""]
    assert not [file for file in files(tmp_path) if file.suffix == ".part"]


KILLED = """if True:
    import os, sys
    from pathlib import Path
    from jupyter_localllm.engine.llama import states
    os.replace = lambda *_: os._exit(9)
    key = states.StateKey(*sys.argv[2:])
    states.StateStore(key, Path(sys.argv[1]), ram_bytes=0, disk_bytes=10**6).put([5, 6, 7, 8], bytes(9999), keep=True)
"""


def test_what_a_killed_writer_left_is_cleaned(tmp_path: Path) -> None:
    """It is never taken for a state, and goes with a later put; one that is being written now stays."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), KEY.model_sha256, KEY.build, KEY.context], check=False, timeout=60
    )
    assert done.returncode == 9
    (part,) = files(tmp_path)
    states = store(tmp_path)
    assert get(states) is None
    states.put([1], DATA, keep=True)
    assert part.exists()
    os.utime(part, (1, 1))
    states.put([2], DATA, keep=True)
    assert not part.exists()
    assert len(files(tmp_path)) == 2


def test_a_full_disk_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory serves on, files that are there are read, nothing half is left, and the trouble is told."""
    store(tmp_path).put([1], b"before", keep=True)

    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state_folder, "write", full)
    states = store(tmp_path, ram_bytes=10**6)
    assert states.trouble == ""
    states.put(TOKENS, DATA, keep=True)
    assert "No space left" in states.trouble
    assert (get(states), get(states, [1])) == (DATA, b"before")
    assert len(files(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    """Here a file stands in its place."""
    (tmp_path / "states").write_bytes(b"")
    states = store(tmp_path / "states" / "inner", ram_bytes=10**6)
    states.put(TOKENS, DATA, keep=True)
    assert get(states) == DATA
    assert states.trouble
    assert states.disk_used == 0


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_in_place_of_the_folder_is_not_written_through(tmp_path: Path) -> None:
    """Who made the link chose where our files would go."""
    (tmp_path / "real").mkdir()
    (tmp_path / "states").symlink_to(tmp_path / "real")
    states = store(tmp_path / "states")
    states.put(TOKENS, DATA, keep=True)
    assert "link" in states.trouble
    assert files(tmp_path / "real") == []


def test_no_tokens_are_no_prefix(tmp_path: Path) -> None:
    """An empty list is neither kept nor found."""
    states = store(tmp_path, ram_bytes=10**6)
    states.put([], DATA, keep=True)
    assert states.ram_used == states.disk_used == 0
    states.put(TOKENS, DATA, keep=True)
    for exact_ends in (False, True):
        assert states.longest([], more_than=0, exact_ends=exact_ends) is None
        assert states.longest([9], more_than=-1, exact_ends=exact_ends) is None
