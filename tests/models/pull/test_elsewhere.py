"""What other programs have is not fetched again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from jupyter_localllm.models import locate
from jupyter_localllm.types import Status
from tests.models.pull.conftest import FILE, REPOSITORY, Puller
from tests.models.pull.server import FakeHub
from tests.models.splitting import split
from tests.tiny_models import write_tiny_llama


def downloads(hub: FakeHub) -> list[str]:
    return [path for _method, path, _headers in hub.asked if "/resolve/" in path]


def test_by_the_hash_that_its_program_wrote_down(
    fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ollama's blobs have no names of their own: the tag names the model, and it is found by it afterwards."""
    sha256, root = hashlib.sha256(model_bytes).hexdigest(), tmp_path / "ollama"
    monkeypatch.setenv("OLLAMA_MODELS", str(root))
    blob, manifest = root / "blobs" / f"sha256-{sha256}", root / "manifests/registry.ollama.ai/library/tiny/1b"
    for path in (blob, manifest):
        path.parent.mkdir(parents=True)
    blob.write_bytes(model_bytes)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{sha256}"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    got = fetch(REPOSITORY, search=["@ollama"])
    assert (got.name, got.path, got.place) == ("tiny:1b", blob, "Ollama")
    assert (got.fetched, got.promised, got.sha256) == (False, True, sha256)
    assert downloads(hub) == []
    assert not (tmp_path / "models").exists()
    assert locate(got.name, ["@ollama"]) == (got.name, blob)
    assert fetch(REPOSITORY, search=["@ollama"], force=True).fetched


def test_by_its_content(fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes, told: list[Status]) -> None:
    """A file of the promised size is read, whatever its name, and that is told; one of the same name comes first."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "renamed.gguf").write_bytes(model_bytes)
    got = fetch(REPOSITORY, search=[tmp_path / "mine"])
    assert (got.name, got.path, got.fetched) == ("renamed", tmp_path / "mine" / "renamed.gguf", False)
    assert downloads(hub) == []
    assert any("comparing it with" in status.text for status in told)
    (tmp_path / "mine" / FILE).write_bytes(model_bytes)
    assert fetch(REPOSITORY, search=[tmp_path / "mine"]).path.name == FILE


def test_another_file_of_that_name(
    fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes, told: list[Status]
) -> None:
    """One of another size is not read; one of the same size and another content is, and the right one is fetched."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / FILE).write_bytes(model_bytes + b"more")
    (folder / "other.gguf").write_bytes(model_bytes[:-1] + bytes([model_bytes[-1] ^ 1]))
    got = fetch(REPOSITORY, search=[folder, tmp_path / "none"])
    assert got.fetched
    assert got.path.read_bytes() == model_bytes
    assert [status.text for status in told if "comparing" in status.text] == [
        f"{FILE}: comparing it with {folder / 'other.gguf'}"
    ]


@pytest.mark.parametrize(("name", "fetched"), [(FILE.upper(), False), ("renamed.gguf", True)])
def test_where_no_hash_is_promised(  # noqa: PLR0917
    name: str, fetched: bool, fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes
) -> None:
    """Then size and name must be the same."""
    hub.told_sha256 = False
    hub.listing = json.dumps([{"type": "file", "path": FILE, "size": len(model_bytes)}]).encode()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_bytes(model_bytes)
    got = fetch(REPOSITORY, search=[tmp_path / "mine"])
    assert (got.fetched, got.promised) == (fetched, False)


def test_a_split_model(fetch: Puller, hub: FakeHub, tmp_path: Path) -> None:
    """All of its parts must be there, side by side."""
    (tmp_path / "mine").mkdir()
    parts = split(write_tiny_llama(tmp_path / "big.gguf"), tmp_path / "mine", 2)
    for part in parts:
        hub.put("owner/big-GGUF", part.name, part.read_bytes())
    got = fetch("owner/big-GGUF", search=[tmp_path / "mine"])
    assert (got.name, got.path, got.fetched) == ("big", parts[0], False)
    assert downloads(hub) == []
    parts[1].unlink()
    assert fetch("owner/big-GGUF", search=[tmp_path / "mine"]).fetched


def test_an_address_promises_nothing(fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes) -> None:
    """So it is fetched, and so is a file of this machine that is named by its path."""
    hub.plain["/m.gguf"] = model_bytes
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "m.gguf").write_bytes(model_bytes)
    assert fetch(f"{hub.url}/m.gguf", search=[tmp_path / "mine"]).fetched
    assert fetch(str(tmp_path / "mine" / "m.gguf"), search=[tmp_path / "mine"]).fetched
