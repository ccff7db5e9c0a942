"""Where other programs keep their models, on each system."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.errors import ModelNotFound
from jupyter_localllm.models import locate
from jupyter_localllm.models.found import PLACES, Machine, spots
from jupyter_localllm.models.found.base import Allowance, is_model_name, walk
from jupyter_localllm.models.parts import parts_of
from tests.tiny_models import write_tiny_llama


def put(*parts: str | Path, content: bytes = b"GGUF") -> Path:
    path = Path(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(place: str, home: Path, platform: str = "linux", **environment: str) -> dict[str, Path]:
    """What a place has, by name."""
    machine = Machine(home, environment, platform, home / "usr/share")
    return {spot.name: spot.path for spot in spots([place], machine)}


@pytest.mark.parametrize(
    ("where", "environment"),
    [
        (".cache/huggingface/hub", {}),
        ("x/huggingface/hub", {"XDG_CACHE_HOME": "~/x"}),
        ("h/hub", {"HF_HOME": "~/h"}),
        ("c", {"HF_HUB_CACHE": "~/c", "HF_HOME": "~/h"}),
        ("old", {"HUGGINGFACE_HUB_CACHE": "~/old"}),
    ],
)
def test_hugging_face(tmp_path: Path, where: str, environment: dict[str, str]) -> None:
    """Files of all revisions, once each; the name of a blob is its hash."""
    content = b"GGUF model"
    sha256 = hashlib.sha256(content).hexdigest()
    repository = tmp_path / where / "models--owner--name"
    blob = put(repository / "blobs" / sha256, content=content)
    for revision in ("aaa", "bbb"):
        link = repository / "snapshots" / revision / "deep" / "m-Q4_K_M.gguf"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)
    put(repository / "snapshots" / "bbb" / "config.json")
    put(repository / "blobs" / f"{sha256}.incomplete")
    put(tmp_path / where / "datasets--o--d" / "snapshots" / "a" / "no.gguf")
    (only,) = spots(["@huggingface"], Machine(tmp_path, environment, "linux"))
    assert (only.name, only.place, only.sha256) == ("m-Q4_K_M", "Hugging Face", sha256)


def manifest(root: Path, tag: str, content: bytes, *, media: str = "application/vnd.ollama.image.model") -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    put(root / "blobs" / f"sha256-{sha256}", content=content)
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64},
        {"mediaType": media, "digest": f"sha256:{sha256}", "size": len(content)},
    ]
    put(root / "manifests" / tag, content=json.dumps({"schemaVersion": 2, "layers": layers}).encode())
    return sha256


def test_ollama(tmp_path: Path) -> None:
    """Tags are named as Ollama lists them; what is no GGUF, broken or not whole is left out."""
    root = tmp_path / ".ollama" / "models"
    sha256 = manifest(root, "registry.ollama.ai/library/llama3.2/3b", b"one")
    manifest(root, "registry.ollama.ai/library/llama3.2/latest", b"one")
    manifest(root, "registry.ollama.ai/me/mine/v1", b"two")
    manifest(root, "hf.co/owner/name-GGUF/Q4_K_M", b"three")
    manifest(root, "registry.ollama.ai/library/tensors/x", b"four", media="application/vnd.ollama.image.tensor")
    for name, content in (
        ("a", b"{"),
        ("b", b"[]"),
        ("c", b'{"layers": [{}]}'),
        ("d", b'{"layers": 5}'),
        ("e", b"\xff"),
    ):
        put(root / "manifests/registry.ollama.ai/library/broken" / name, content=content)
    gone = manifest(root, "registry.ollama.ai/library/gone/x", b"gone")
    (root / "blobs" / f"sha256-{gone}").unlink()
    names = found("@ollama", tmp_path)
    assert sorted(names) == ["hf.co/owner/name-GGUF:Q4_K_M", "llama3.2:3b", "llama3.2:latest", "me/mine:v1"]
    assert names["llama3.2:3b"].name == f"sha256-{sha256}"


def test_a_tag_of_ollama_with_an_adapter(tmp_path: Path) -> None:
    """Its file is the bare base, which is not what the tag means."""
    root = tmp_path / ".ollama" / "models"
    manifest(root, "registry.ollama.ai/me/tuned/v1", b"base")
    path = root / "manifests/registry.ollama.ai/me/tuned/v1"
    told = json.loads(path.read_text())
    told["layers"].append({"mediaType": "application/vnd.ollama.image.adapter", "digest": "sha256:" + "1" * 64})
    path.write_text(json.dumps(told))
    assert found("@ollama", tmp_path) == {}


def test_what_may_not_be_looked_at_hides_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another user, a folder of a service: they are left out, and the other places are read."""
    manifest(tmp_path / ".ollama" / "models", "registry.ollama.ai/library/a/b", b"closed")
    put(tmp_path / ".cache/huggingface/hub/models--o--closed/snapshots/a/no.gguf")
    put(tmp_path / ".cache/huggingface/hub/models--o--open/snapshots/a/m.gguf")
    parts = [put(tmp_path / "own" / f"big-0000{i}-of-00002.gguf") for i in (1, 2)]
    stat = os.stat

    def closed(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if any(word in str(path) for word in ("blobs", "o--closed", "00002-of")):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", closed)
    machine = Machine(tmp_path, {}, "linux", tmp_path / "usr/share")
    names = [spot.name for spot in spots(["@ollama", "@huggingface", tmp_path / "own"], machine)]
    assert names == ["m", "big"]
    assert parts_of(parts[0]) == (parts[0],)


def test_a_place_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system in one place does not stop the others."""

    def failing(_machine: Machine) -> Any:
        raise OSError(5, "Input/output error")
        yield

    monkeypatch.setattr("jupyter_localllm.models.found.PLACES", {"@failing": failing})
    put(tmp_path / "m.gguf")
    assert [spot.name for spot in spots(["@failing", tmp_path])] == ["m"]


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "sha256:" + "g" * 64, "", 5, None])
def test_ollama_digests_are_no_paths(tmp_path: Path, digest: Any) -> None:
    """A manifest cannot lead to another file."""
    root = tmp_path / ".ollama" / "models"
    layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": digest}]
    put(root / "manifests/r/l/m/t", content=json.dumps({"layers": layers}).encode())
    assert found("@ollama", tmp_path) == {}


def test_ollama_as_a_service_and_elsewhere(tmp_path: Path) -> None:
    """The service's own folder counts beside the user's, unless OLLAMA_MODELS names one."""
    manifest(tmp_path / "usr/share/ollama/.ollama/models", "registry.ollama.ai/library/a/b", b"x")
    manifest(tmp_path / "disk", "registry.ollama.ai/library/c/d", b"y")
    assert list(found("@ollama", tmp_path)) == ["a:b"]
    assert list(found("@ollama", tmp_path, OLLAMA_MODELS=str(tmp_path / "disk"))) == ["c:d"]


def test_lm_studio(tmp_path: Path) -> None:
    """Its home of now, that of before, what its pointer names, and the folder of its settings."""
    put(tmp_path / ".lmstudio/models/owner/name-GGUF/now.gguf")
    put(tmp_path / ".lmstudio/models/owner/name-GGUF/mmproj-now.gguf")
    put(tmp_path / ".cache/lm-studio/models/o/n/before.gguf")
    put(tmp_path / "elsewhere/models/o/n/pointed.gguf")
    put(tmp_path / ".lmstudio-home-pointer", content=f"{tmp_path / 'elsewhere'}\n".encode())
    put(tmp_path / "disk/o/n/chosen.gguf")
    settings = json.dumps({"downloadsFolder": str(tmp_path / "disk")}).encode()
    put(tmp_path / "elsewhere/settings.json", content=settings)
    put(tmp_path / ".lmstudio/settings.json", content=b"{broken")
    assert sorted(found("@lmstudio", tmp_path)) == ["before", "chosen", "now", "pointed"]


@pytest.mark.parametrize(
    ("platform", "where", "environment"),
    [
        ("linux", ".cache/llama.cpp", {}),
        ("linux", "x/llama.cpp", {"XDG_CACHE_HOME": "~/x"}),
        ("darwin", "Library/Caches/llama.cpp", {}),
        ("win32", "Local/llama.cpp", {"LOCALAPPDATA": "~/Local"}),
        ("linux", "own", {"LLAMA_CACHE": "~/own"}),
    ],
)
def test_llama_cpp(tmp_path: Path, platform: str, where: str, environment: dict[str, str]) -> None:
    """The cache of its programs, by the rules of each system."""
    put(tmp_path / where / "owner_name_m.gguf")
    put(tmp_path / where / "owner_name_m.gguf.json")
    put(tmp_path / where / "half.gguf.downloadInProgress")
    assert list(found("@llama.cpp", tmp_path, platform, **environment)) == ["owner_name_m"]


@pytest.mark.parametrize(
    ("platform", "where"),
    [
        ("linux", ".local/share/nomic.ai/GPT4All"),
        ("darwin", "Library/Application Support/nomic.ai/GPT4All"),
        ("win32", "AppData/Local/nomic.ai/GPT4All"),
        ("linux", ".cache/gpt4all"),
        ("win32", ".cache/gpt4all"),
    ],
)
def test_gpt4all(tmp_path: Path, platform: str, where: str) -> None:
    """The program's folder by the rules of each system, and that of its Python package."""
    put(tmp_path / where / "m.Q4_0.gguf")
    put(tmp_path / where / "incomplete-m.gguf.part")
    assert list(found("@gpt4all", tmp_path, platform)) == ["m.Q4_0"]


def test_gpt4all_elsewhere(tmp_path: Path) -> None:
    """The folder of its settings counts, too."""
    put(tmp_path / "disk" / "m.gguf")
    ini = f"[General]\nchatTheme=Dark\nmodelPath={tmp_path / 'disk'}\n"
    put(tmp_path / ".config/nomic.ai/GPT4All.ini", content=ini.encode())
    assert list(found("@gpt4all", tmp_path)) == ["m"]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_is_not_there(place: str, tmp_path: Path) -> None:
    """It has nothing, and is no error."""
    assert found(place, tmp_path) == {}


def test_nothing_is_written(tmp_path: Path) -> None:
    """Looking changes nothing."""
    manifest(tmp_path / ".ollama" / "models", "registry.ollama.ai/library/a/b", b"x")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for place in PLACES:
        found(place, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("m.gguf", True),
        ("M.GGUF", True),
        ("m-00001-of-00002.gguf", True),
        ("m-00002-of-00002.gguf", False),
        ("mmproj-m.gguf", False),
        (".m.gguf", False),
        ("m.gguf.part", False),
        ("m.bin", False),
    ],
)
def test_names_of_models(name: str, is_one: bool) -> None:
    """Projectors, further parts, hidden and half files are no models."""
    assert is_model_name(name) is is_one


def test_a_folder_is_not_read_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Depth and number of entries are bounded, and a circle of links ends."""
    put(tmp_path / "a/b/c/m.gguf")
    put(tmp_path / "a/b/c/d/deep.gguf")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    names = {path.name for path in walk(tmp_path, 3, Allowance())}
    assert names == {"m.gguf"}
    monkeypatch.setattr("jupyter_localllm.models.found.base._MOST_ENTRIES", 2)
    put(tmp_path / "many/1.gguf")
    assert "1.gguf" not in {path.name for path in walk(tmp_path, 3, Allowance())}


def test_all_folders_of_a_place_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many folders a place has; another place is read all the same."""
    monkeypatch.setattr("jupyter_localllm.models.found.base._MOST_ENTRIES", 3)
    for i in range(6):
        put(tmp_path / f".cache/huggingface/hub/models--o--n{i}/snapshots/a/m{i}.gguf")
    put(tmp_path / "own" / "mine.gguf")
    names = [spot.name for spot in spots(["@huggingface", tmp_path / "own"], Machine(tmp_path, {}, "linux"))]
    assert names == ["m0", "m1", "m2", "mine"]


def test_a_folder_with_too_much_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in it is found, what lies further in is not, and who looks for that is told."""
    monkeypatch.setattr("jupyter_localllm.models.found.base._MOST_ENTRIES", 5)
    for i in range(9):
        put(tmp_path / f"{i}.txt")
    put(tmp_path / "here.gguf")
    put(tmp_path / "inner" / "there.gguf")
    assert [spot.name for spot in spots([tmp_path])] == ["here"]
    with pytest.raises(ModelNotFound, match="There is no model") as caught:
        locate("there", [tmp_path])
    assert f"Not all of {tmp_path} was looked at" in caught.value.hint
    with pytest.raises(ModelNotFound) as caught:
        locate("there", [tmp_path / "inner" / "none"])
    assert "was looked at" not in caught.value.hint


def test_a_folder_that_no_system_has(tmp_path: Path) -> None:
    """A name that cannot be one hides no other folder."""
    put(tmp_path / "m.gguf")
    assert [spot.name for spot in spots(["a\0b", tmp_path])] == ["m"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    """It is left out."""
    put(tmp_path / "open" / "m.gguf")
    put(tmp_path / "shut" / "n.gguf")
    (tmp_path / "shut").chmod(0)
    try:
        assert "m.gguf" in {path.name for path in walk(tmp_path, 1, Allowance())}
    finally:
        (tmp_path / "shut").chmod(0o700)


def test_ollamas_models_answer_by_their_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that Ollama fetched is found by the name that Ollama gives it."""
    content = write_tiny_llama(tmp_path / "m").read_bytes()
    sha256 = manifest(tmp_path / "models", "registry.ollama.ai/library/tiny/1b", content)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    assert locate("tiny:1b", ["@ollama"]) == ("tiny:1b", tmp_path / "models/blobs" / f"sha256-{sha256}")
