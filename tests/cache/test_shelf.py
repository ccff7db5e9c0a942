from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from jupyter_localllm.cache.shelf import Shelf, Voice
from jupyter_localllm.cache.store import Store
from jupyter_localllm.cache.trouble import Busy, Damaged, Unavailable


def test_damage_that_another_kernel_has_put_right(tmp_path: Path) -> None:
    """Who finds damage just when another one has replaced the file leaves the fresh file where it is."""
    if os.name != "posix":
        pytest.skip("an open file cannot be set aside here")
    mine, other = (Shelf(tmp_path, "answers", Voice()) for _ in range(2))
    mine.run(lambda store: None)

    def put_right(store: Store) -> None:
        if not aside():
            raise Damaged("Found by the other one.")
        store.write("k", b"v")

    def find_damage(store: Store) -> bytes | None:
        if not aside():
            other.run(put_right)
            raise Damaged("Found by me too.")
        return store.look_up("k")

    def aside() -> list[Path]:
        return [path for path in (tmp_path / "answers").iterdir() if path.name[-1].isdigit()]

    assert mine.run(find_damage) == b"v"
    assert len(aside()) == 1
    mine.close()
    other.close()


def test_a_disk_that_breaks_every_database(tmp_path: Path) -> None:
    """Work that finds a fresh database damaged too ends in trouble, and not in one more file for each try."""
    shelf = Shelf(tmp_path, "answers", Voice())

    def fail(store: Store) -> None:
        raise Damaged("Nothing is right here.")

    for _ in range(4):
        with pytest.raises(Unavailable, match="Nothing is right"):
            shelf.run(fail)
    assert len([path for path in (tmp_path / "answers").iterdir() if path.name[-1].isdigit()]) == 1
    shelf.close()


def test_a_lock_that_is_held_is_not_waited_for_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is stopped while it opens costs the others one wait, not one for each answer."""
    from jupyter_localllm.cache.folder import locked, prepare

    monkeypatch.setattr("jupyter_localllm.cache.shelf._OPENING", 0.2)
    shelf = Shelf(tmp_path, "answers", Voice())
    prepare(tmp_path, "answers")
    waits = []

    def wait(path: Path, seconds: float) -> object:
        waits.append(seconds)
        return locked(path, seconds)

    monkeypatch.setattr("jupyter_localllm.cache.shelf.locked", wait)
    with locked(tmp_path / "answers" / "lock", 1):
        for _ in range(5):
            with pytest.raises(Busy):
                shelf.run(lambda store: None)
    assert len(waits) == 1
    threading.Event().wait(0.25)
    assert shelf.run(lambda store: 1) == 1
    shelf.close()


def test_trouble_is_told_once(tmp_path: Path) -> None:
    """The same trouble is one sentence, however many cells meet it; without a listener it is nobody's."""
    heard: list[str] = []
    voice = Voice()
    voice.say("before anybody listens")
    voice.speak()
    voice.callback = heard.append
    for text in ("one", "two", "one"):
        voice.say_once(text, "kind")
    voice.say("always")
    voice.say("always")
    voice.speak()
    voice.speak()
    assert heard == ["one", "always", "always"]
