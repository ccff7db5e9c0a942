"""Room on the disk, and who else is at work there."""

from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.errors import PullError
from jupyter_localllm.models.catalog import entry_named
from jupyter_localllm.models.pull import Hub, by_hub, pull
from jupyter_localllm.models.pull.partial import Partial
from tests.models.pull.conftest import FILE, REPOSITORY, Puller
from tests.models.pull.server import FakeHub, Fault
from tests.models.splitting import split
from tests.tiny_models import write_tiny_llama

KNOWN = "qwen3-0.6b"  # its size stands nowhere in the catalog


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let so many bytes be free on the disk."""
    usage = namedtuple("usage", "total used free")
    return lambda n_bytes: monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(10, 10, n_bytes))


@pytest.mark.parametrize("over_hub", [True, False])
@pytest.mark.parametrize("telling", [True, False])
def test_a_file_whose_size_the_catalog_lacks(  # noqa: PLR0917
    over_hub: bool, telling: bool, fetch: Puller, hub: FakeHub, free: Callable[[int], None], model_bytes: bytes
) -> None:
    """The hub is asked for it, and where it does not tell, the estimate serves; nothing of it is fetched."""
    if over_hub:
        pytest.importorskip("huggingface_hub")
    entry = entry_named(KNOWN)
    assert entry is not None
    assert not entry.usual.size_bytes
    hub.put(entry.usual.repository, entry.usual.file, model_bytes)
    if not telling:
        hub.listing = b"null"
    free((64 << 20) + (len(model_bytes) - 1 if telling else 10_000_000))
    with pytest.raises(PullError, match="are free on"):
        fetch(KNOWN, by_huggingface_hub=over_hub)
    assert hub.bodies == []


def test_all_parts_of_an_address(fetch: Puller, hub: FakeHub, free: Callable[[int], None], tmp_path: Path) -> None:
    """A split model is refused before its first part is fetched, not in the middle."""
    parts = split(write_tiny_llama(tmp_path / "big.gguf"), tmp_path / "parts", 3)
    for part in parts:
        hub.plain[f"/{part.name}"] = part.read_bytes()
    free((64 << 20) + sum(part.stat().st_size for part in parts) - 1)
    with pytest.raises(PullError, match="are free on"):
        fetch(f"{hub.url}/{parts[0].name}")
    assert hub.bodies == []
    free((64 << 20) + sum(part.stat().st_size for part in parts))
    assert fetch(f"{hub.url}/{parts[0].name}").fetched


def test_what_has_come_needs_no_room_again(
    fetch: Puller, hub: FakeHub, free: Callable[[int], None], model_bytes: bytes
) -> None:
    """Only the rest must find room."""
    hub.faults = [Fault(after=200_000), *[Fault(status=503)] * 3]
    with pytest.raises(PullError):
        fetch(REPOSITORY)
    free((64 << 20) + len(model_bytes) - 200_000)
    assert fetch(REPOSITORY).fetched


@pytest.mark.parametrize("over_hub", [True, False])
def test_another_process_was_faster(  # noqa: PLR0917
    over_hub: bool, fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and taking it, another one brought it: it is not fetched again, nor replaced."""
    place = tmp_path / "models" / "owner" / "tiny-GGUF" / FILE
    enter = Partial.__enter__

    def late(self: Partial) -> Partial:
        taken = enter(self)
        place.write_bytes(model_bytes)
        return taken

    monkeypatch.setattr(Partial, "__enter__", late)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it is fetched again")

    monkeypatch.setattr(by_hub, "fetch", never)
    monkeypatch.setattr(sys.modules["jupyter_localllm.models.pull.fetch"], "_attempt", never)
    got = fetch(REPOSITORY, by_huggingface_hub=over_hub)
    assert not got.fetched
    assert got.path.read_bytes() == model_bytes


def test_a_folder_that_no_system_can_name(here: Hub) -> None:
    """A zero character in it is an error that names the setting, not one of Python."""
    with pytest.raises(PullError, match="pull_dir") as caught:
        pull(REPOSITORY, "mod\0els", {}, hub=here, by_huggingface_hub=False)
    assert "\0" not in str(caught.value)
