"""Names for completion: found in a thread, remembered, and never waited for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jupyter_localllm.runtime import names as module
from jupyter_localllm.runtime.names import Names
from jupyter_localllm.runtime.places import Places
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_models import write_tiny_llama

HERE = ("/a/folder",)


class Disk:
    """Folders whose names come when they are let, and not before."""

    def __init__(self) -> None:
        self.names = ["first"]
        self.looks = 0
        self.ready = threading.Event()
        self.seen = threading.Event()

    def look(self, search: tuple[str, ...]) -> list[str]:
        if not search:
            return ["of the catalog"]
        self.looks += 1
        found = [*self.names]
        self.seen.set()
        assert self.ready.wait(30)
        return found


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(module, "_REST", 0)
    return Disk()


def test_a_slow_folder_holds_nobody_up(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog's names are there at once, the folder's as soon as they are; then the last ones, until new ones are.

    One look is under way at a time, however often a key is pressed.
    """
    names = Names(disk.look)
    monkeypatch.setattr(module, "_FIRST_S", 0)
    assert [names.of(HERE) for _ in range(3)] == [["of the catalog"]] * 3
    assert disk.seen.wait(30)
    assert disk.looks == 1
    monkeypatch.setattr(module, "_FIRST_S", 30)
    disk.ready.set()
    assert names.of(HERE) == ["first"]
    disk.ready.clear()
    disk.names = ["second"]
    monkeypatch.setattr(module, "_NEXT_S", 0)
    assert names.of(HERE) == ["first"]
    monkeypatch.setattr(module, "_NEXT_S", 30)
    disk.ready.set()
    assert names.of(HERE) == ["second"]


def test_names_are_remembered_for_a_while(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer a look took, the longer; after `forget` there is a new one, and an old one comes too late."""
    names = Names(disk.look)
    monkeypatch.setattr(module, "_FIRST_S", 30)
    monkeypatch.setattr(module, "_REST", 1e12)
    disk.ready.set()
    assert [names.of(HERE), names.of(HERE)] == [["first"], ["first"]]
    assert disk.looks == 1
    disk.names = ["second"]
    names.forget()
    assert names.of(HERE) == ["second"]
    names.forget()
    disk.ready.clear()
    disk.seen.clear()
    monkeypatch.setattr(module, "_FIRST_S", 0)
    assert names.of(HERE) == ["of the catalog"]
    assert disk.seen.wait(30)
    names.forget()
    disk.names = ["third"]
    disk.seen.clear()
    assert names.of(HERE) == ["of the catalog"]
    assert disk.seen.wait(30)
    disk.ready.set()
    monkeypatch.setattr(module, "_FIRST_S", 30)
    assert names.of(HERE) == ["third"]


def test_a_folder_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is nobody's who presses a key."""

    def look(search: tuple[str, ...]) -> list[str]:
        if search:
            raise PermissionError(13, "no")
        return ["of the catalog"]

    assert Names(look).of(HERE) == ["of the catalog"]


def test_files_of_a_folder(tmp_path: Path) -> None:
    """They are named beside those of the catalog."""
    write_tiny_llama(tmp_path / "mine.gguf")
    assert {"mine", "smollm2-135m-instruct"} <= set(Names().of((str(tmp_path),)))


def test_adapters_have_names_of_their_own(tmp_path: Path) -> None:
    """A file is one by its header, whatever it is called; a model or a broken file is not."""
    write_tiny_llama(tmp_path / "mine-lora.gguf")
    write_tiny_adapter(tmp_path / "legal.gguf")
    (tmp_path / "half.gguf").write_bytes(b"GGUF")
    assert Places().adapters.of((str(tmp_path),)) == ["legal"]


def test_no_thread_to_look_in(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system starts no thread there are the catalog's names; the next time is as good as any."""

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    disk.ready.set()
    names = Names(disk.look)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        assert names.of(HERE) == ["of the catalog"]
    assert disk.looks == 0
    monkeypatch.setattr(module, "_FIRST_S", 30.0)
    assert names.of(HERE) == ["first"]
